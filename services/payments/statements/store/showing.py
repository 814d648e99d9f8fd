"""SQL of what was taken: files, statements, entries with the payments that they became, and the sums over them."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from services.payments.feeds import Entry, Kind, Mark, Problem, WhyNot
from services.payments.statements.proving import Link, Sums
from shared.money import Minor
from shared.postgres import Connection, Record


@dataclass(frozen=True, slots=True)
class Became:
    """The payment that an entry became, and where its money is; `conflict` says that its identity is another's."""

    payment_id: int
    status: str
    hold_reason: str | None
    conflict: bool


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as its statement shows it; the remitter's account in it is cut."""

    position: int
    entry: Entry
    became: Became | None = None


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement of a file that was taken, with its sums and the first of its entries."""

    id: int
    file_id: int
    source_id: int
    source: str
    bank_id: str
    account: str
    currency: str
    opening: Minor | None
    closing: Minor | None
    first_day: date | None
    last_day: date | None
    page: int
    line: int
    problems: tuple[Problem, ...]
    sums: Sums
    entries: tuple[StoredEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was taken."""

    id: int
    format: str
    sha256: bytes
    size_bytes: int
    uploaded_by: str
    received_at: datetime
    statements: tuple[StoredStatement, ...]


_BOOKED: Final = "(e.why_not is null or e.why_not not in ('pending', 'not_booked'))"
# Columns of `e`, an entry, and what became of it; `p` is its payment, `c` its conflict, `h` the open hold of either.
_ENTRY: Final = """
       e.statement_id, e.position, e.payment_id, e.mark, e.kind, e.amount_minor, e.currency, e.booking_date,
       e.value_date, e.bank_reference, e.end_to_end_id, e.uetr, e.reference, e.remittance, e.remitter_name,
       e.remitter_account, e.method, e.reverses, e.original_found, e.why_not, e.line
"""
# An identity may be taken by another content: then the entry is on record as a conflict, and the payment is another's.
# Fenced: by statistics of an hour ago, all payments of a source would be gone through for each of its entries.
_WHAT_IT_BECAME: Final = """
  join payments.statement_source w on w.id = e.source_id
  left join payments.source s on s.name = w.name and e.why_not is null
  left join lateral (
       select own.* from payments.payment own
        where own.source_id = s.id and own.external_id = e.payment_id and own.kind = e.kind
          and own.amount_minor = e.amount_minor and own.currency = e.currency and own.value_date = e.value_date
          and own.reverses is not distinct from e.reverses
       offset 0
       ) p on true
  left join lateral (
       select c.id from payments.conflict c
        where p.id is null and c.source_id = s.id and c.external_id = e.payment_id and c.kind = e.kind
          and c.amount_minor = e.amount_minor and c.currency = e.currency and c.value_date = e.value_date
        order by c.id limit 1
       ) c on true
  left join lateral (
       select h.reason from payments.hold h where h.payment_id = p.id and h.resolution is null
        union all
       select h.reason from payments.hold h where h.conflict_id = c.id and h.resolution is null
       ) h on true
"""

GET_FILE: Final = """
select id, format, sha256, size_bytes, uploaded_by, received_at from payments.bank_file where sha256 = $1
"""

GET_FILE_BY_ID: Final = """
select id, format, sha256, size_bytes, uploaded_by, received_at from payments.bank_file where id = $1
"""

_STATEMENT: Final = """
select s.id, s.file_id, s.source_id, s.bank_id, s.page, s.line, s.opening_minor, s.closing_minor, s.first_day,
       s.last_day, s.problems::text as problems, w.name as source, w.account, w.currency
  from payments.statement s
  join payments.statement_source w on w.id = s.source_id
"""

FILE_STATEMENTS: Final = f"""
{_STATEMENT}
 where s.file_id = $1
 order by s.position
"""

GET_STATEMENT: Final = f"""
{_STATEMENT}
 where s.id = $1
"""

LIST_STATEMENTS: Final = f"""
{_STATEMENT}
 where s.id < $1 and ($2::text is null or w.name = $2)
 order by s.id desc
 limit $3
"""

SUMS: Final = f"""
select e.statement_id, count(*) as entries, count(*) filter (where e.why_not is null) as posted,
       count(*) filter (where not {_BOOKED}) as pending,
       count(*) filter (where {_BOOKED} and e.currency <> w.currency) as foreign_entries,
       coalesce(sum(e.amount_minor) filter (where {_BOOKED} and e.currency = w.currency and e.mark = 'credit'), 0)
           as credits,
       coalesce(sum(e.amount_minor) filter (where {_BOOKED} and e.currency = w.currency and e.mark = 'debit'), 0)
           as debits
  from payments.statement_entry e
  join payments.statement_source w on w.id = e.source_id
 where e.statement_id = any($1::bigint[])
 group by e.statement_id
"""  # noqa: S608  (columns of ours)

# The page first: what became of its entries is then looked up for these alone, whatever is known of the tables' sizes.
ENTRIES: Final = f"""
with page as materialized (
    select * from payments.statement_entry where statement_id = $1 and position >= $2 order by position limit $3
)
select {_ENTRY}, p.id as became_payment, p.status, c.id as became_conflict, h.reason as hold_reason
  from page e
{_WHAT_IT_BECAME}
 order by e.position
"""  # noqa: S608  (columns of ours)

# The money of every booked entry in the account's currency, signed as the account sees it, by where it is.
PLACES: Final = f"""
with found as (
    select e.kind, e.why_not, case e.mark when 'credit' then 1 else -1 end as sign, e.amount_minor, p.id as payment_id,
           p.applied_minor, p.held_minor, p.returned_minor, p.dismissed_minor, p.reversed_minor, c.id as conflict_id,
           h.reason as hold_reason
      from payments.statement_entry e
{_WHAT_IT_BECAME}
     where e.statement_id = $1 and {_BOOKED} and e.currency = w.currency
)
select place, count(*) as entries, sum(sign * minor) as amount
  from found
 cross join lateral (
       select 'not_ours' as place, amount_minor as minor where why_not is not null
        union all
       select 'on_the_way', amount_minor where why_not is null and payment_id is null and conflict_id is null
        union all
       select case when hold_reason is null then 'dismissed' else 'held' end, amount_minor
        where why_not is null and payment_id is null and conflict_id is not null
        union all
       select name, part
         from (values ('applied', applied_minor), ('held', held_minor), ('returned', returned_minor),
                      ('dismissed', dismissed_minor),
                      (case kind when 'reversal' then 'reversals' else 'taken_back' end, reversed_minor)
              ) as parts (name, part)
        where payment_id is not null and part > 0
       ) as placed
 group by place
"""  # noqa: S608  (columns of ours)

LINKS: Final = """
select s.id, s.opening_minor, s.closing_minor, s.first_day, s.last_day
  from payments.statement s
 where s.source_id = $1 and s.last_day is not null and ($2::date is null or s.last_day <= $2)
 order by s.last_day desc, s.first_day desc, s.id desc
 limit $3
"""

LIST_SOURCES: Final = """
select w.id, w.name, w.account, w.currency
  from payments.statement_source w
 where w.name > $1
 order by w.name
 limit $2
"""

PIECE: Final = """
select content from payments.bank_file_piece where file_id = $1 and position = $2
"""


async def get_file(db: Connection, sha256: bytes, *, entries: int) -> StoredFile | None:
    """The file with these bytes: its statements, each with up to so many entries."""
    file = await db.fetchrow(GET_FILE, sha256)
    if file is None:
        return None
    statements = await _with_sums(db, await db.fetch(FILE_STATEMENTS, file["id"]))
    return _file(file, [await with_entries(db, one, limit=min(entries, one.sums.entries)) for one in statements])


async def get_file_by_id(db: Connection, id: int) -> StoredFile | None:
    """The file of that id, without its statements."""
    row = await db.fetchrow(GET_FILE_BY_ID, id)
    return None if row is None else _file(row, ())


async def pieces(db: Connection, file_id: int) -> AsyncIterator[bytes]:
    """The bytes of a file as they came, a piece at a time."""
    position = 0
    while (piece := await db.fetchval(PIECE, file_id, position)) is not None:
        yield piece
        position += 1


async def get_statement(db: Connection, id: int) -> StoredStatement | None:
    """One statement, without its entries."""
    return next(iter(await _with_sums(db, await db.fetch(GET_STATEMENT, id))), None)


async def list_statements(db: Connection, *, before: int, source: str | None, limit: int) -> list[StoredStatement]:
    """Statements, the newest first, without their entries."""
    return await _with_sums(db, await db.fetch(LIST_STATEMENTS, before, source, limit))


async def entries(db: Connection, statement_id: int, *, start: int, limit: int) -> list[StoredEntry]:
    """Entries of a statement from a position on, with what became of them."""
    return [_entry(row) for row in await db.fetch(ENTRIES, statement_id, start, limit)]


async def with_entries(db: Connection, statement: StoredStatement, *, limit: int) -> StoredStatement:
    """The statement with the first of its entries."""
    first = await entries(db, statement.id, start=0, limit=limit)
    return replace(statement, entries=tuple(first))


async def places(db: Connection, statement_id: int) -> dict[str, tuple[int, int]]:
    """Entries and signed minor units by place, of the statement's booked entries in its account's currency."""
    rows = await db.fetch(PLACES, statement_id)
    return {row["place"]: (row["entries"], int(row["amount"])) for row in rows}


async def links(db: Connection, source_id: int, *, until: date | None, limit: int) -> list[Link]:
    """The latest statements of an account, of those that ended by a day."""
    rows = await db.fetch(LINKS, source_id, until, limit)
    return [
        Link(row["id"], row["opening_minor"], row["closing_minor"], row["first_day"], row["last_day"]) for row in rows
    ]


async def list_sources(db: Connection, *, after: str, limit: int) -> list[Record]:
    """Accounts that have reported, by name: id, name, account, currency."""
    return await db.fetch(LIST_SOURCES, after, limit)


async def _with_sums(db: Connection, rows: Sequence[Record]) -> list[StoredStatement]:
    sums = await _sums(db, [row["id"] for row in rows])
    return [_statement(row, sums.get(row["id"], Sums(0, 0, 0, 0, 0, 0))) for row in rows]


async def _sums(db: Connection, ids: Collection[int]) -> dict[int, Sums]:
    rows = await db.fetch(SUMS, list(ids))
    return {
        row["statement_id"]: Sums(
            row["entries"],
            row["posted"],
            row["pending"],
            row["foreign_entries"],
            int(row["credits"]),
            int(row["debits"]),
        )
        for row in rows
    }


def _file(row: Record, statements: Sequence[StoredStatement]) -> StoredFile:
    return StoredFile(
        row["id"],
        row["format"],
        row["sha256"],
        row["size_bytes"],
        row["uploaded_by"],
        row["received_at"],
        tuple(statements),
    )


def _statement(row: Record, sums: Sums) -> StoredStatement:
    return StoredStatement(
        id=row["id"],
        file_id=row["file_id"],
        source_id=row["source_id"],
        source=row["source"],
        bank_id=row["bank_id"],
        account=row["account"],
        currency=row["currency"],
        opening=row["opening_minor"],
        closing=row["closing_minor"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        page=row["page"],
        line=row["line"],
        problems=tuple(Problem(**problem) for problem in json.loads(row["problems"])),
        sums=sums,
    )


def _entry(row: Record) -> StoredEntry:
    entry = Entry(
        payment_id=row["payment_id"],
        mark=Mark(row["mark"]),
        kind=row["kind"] and Kind(row["kind"]),
        amount=Minor(row["amount_minor"]),
        currency=row["currency"],
        booking_date=row["booking_date"],
        value_date=row["value_date"],
        posted=row["why_not"] is None,
        why_not=row["why_not"] and WhyNot(row["why_not"]),
        line=row["line"],
        bank_reference=row["bank_reference"],
        end_to_end_id=row["end_to_end_id"],
        uetr=row["uetr"],
        reference=row["reference"],
        remittance=row["remittance"],
        remitter_name=row["remitter_name"],
        remitter_account=row["remitter_account"],
        method=row["method"],
        reverses=row["reverses"],
        original_found=row["original_found"],
    )
    return StoredEntry(row["position"], entry, _became(row))


def _became(row: Record) -> Became | None:
    if row["became_payment"] is not None:
        return Became(row["became_payment"], row["status"], row["hold_reason"], conflict=False)
    if row["became_conflict"] is not None:
        status = "held" if row["hold_reason"] else "dismissed"
        return Became(row["became_conflict"], status, row["hold_reason"], conflict=True)
    return None
