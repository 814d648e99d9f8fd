"""SQL of bank statements: files, statements, entries, and whose accounts they show."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

from services.payments.feeds import Credit, Entry, Kind, Mark, Problem, Statement, WhyNot
from shared.money import Minor
from shared.postgres import Connection, Record

Account: TypeAlias = "tuple[str, str]"  # the bank's account, and its currency
Content: TypeAlias = "tuple[str | None, int, str, date | None, str | None, str | None]"


@dataclass(frozen=True, slots=True)
class Source:
    """The name under which an account reports."""

    id: int
    name: str
    account: Account


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement of a file that was taken; the remitters' accounts in it are cut."""

    id: int
    file_id: int
    source: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was taken."""

    id: int
    format: str
    sha256: bytes
    size_bytes: int
    statements: tuple[StoredStatement, ...]


@dataclass(frozen=True, slots=True)
class Original:
    """A credit that was sent on before, with the texts that say which call it named."""

    credit: Credit
    reference: str | None
    remittance: str | None


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry where a statement shows it; `published` says that it is sent on now."""

    statement_id: int
    position: int
    source_id: int
    entry: Entry
    published: bool


# ---- sources

FIND_SOURCES: Final = """
select id, name, account, currency
  from payments.statement_source
 where name = $1 or (account, currency) in (select * from unnest($2::text[], $3::text[]))
"""


async def find_sources(db: Connection, name: str | None, accounts: Iterable[Account]) -> list[Source]:
    """The source of that name and those of the accounts, as far as they are known."""
    wanted = list(accounts)
    rows = await db.fetch(FIND_SOURCES, name, [one[0] for one in wanted], [one[1] for one in wanted])
    return [Source(row["id"], row["name"], (row["account"], row["currency"])) for row in rows]


ADD_SOURCE: Final = """
insert into payments.statement_source (name, account, currency, registered_at) values ($1, $2, $3, $4)
returning id
"""


async def add_source(db: Connection, name: str, account: Account, now: datetime) -> Source:
    """A new source; a name or account that was taken meanwhile is the database's refusal."""
    return Source(await db.fetchval(ADD_SOURCE, name, *account, now), name, account)


# Two statements of one account are taken one after the other, so that each sees what the other has sent on.
LOCK_SOURCES: Final = """
select pg_advisory_xact_lock(hashtext('payments.statement_source'), id)
  from (select id from unnest($1::int[]) as wanted (id) order by id) as in_order
"""


async def lock_sources(db: Connection, ids: Collection[int]) -> None:
    """Waits until no other transaction takes statements of these sources."""
    await db.execute(LOCK_SOURCES, sorted(ids))


# ---- what was sent on before

PUBLISHED: Final = """
select e.source_id, e.payment_id, e.kind, e.amount_minor, e.currency, e.value_date, e.reference, e.reverses
  from unnest($1::int[], $2::text[]) as asked (source_id, payment_id)
  join payments.statement_entry e on e.source_id = asked.source_id and e.payment_id = asked.payment_id and e.published
 order by e.statement_id, e.position
"""


async def published(db: Connection, identities: Collection[tuple[int, str]]) -> dict[tuple[int, str], list[Content]]:
    """What was sent on under some identities (source, payment), oldest first."""
    found: dict[tuple[int, str], list[Content]] = {}
    rows = await db.fetch(PUBLISHED, [one[0] for one in identities], [one[1] for one in identities])
    for row in rows:
        content = (
            row["kind"],
            row["amount_minor"],
            row["currency"],
            row["value_date"],
            row["reference"],
            row["reverses"],
        )
        found.setdefault((row["source_id"], row["payment_id"]), []).append(content)
    return found


ORIGINALS: Final = """
select e.payment_id, e.amount_minor, e.currency, e.end_to_end_id, e.uetr, e.reference, e.remittance
  from unnest($2::text[]) as asked (id)
  join payments.statement_entry e on e.source_id = $1 and e.payment_id = asked.id and e.published
 where e.kind = 'credit'
 union
select e.payment_id, e.amount_minor, e.currency, e.end_to_end_id, e.uetr, e.reference, e.remittance
  from unnest($3::text[]) as asked (id)
  join payments.statement_entry e
    on e.source_id = $1 and e.end_to_end_id = asked.id and e.published and e.kind = 'credit'
 where e.end_to_end_id is not null
 union
select e.payment_id, e.amount_minor, e.currency, e.end_to_end_id, e.uetr, e.reference, e.remittance
  from unnest($4::text[]) as asked (id)
  join payments.statement_entry e on e.source_id = $1 and e.uetr = asked.id and e.published and e.kind = 'credit'
 where e.uetr is not null
"""


async def originals(db: Connection, source_id: int, reversals: Sequence[Entry]) -> list[Original]:
    """Earlier credits of a source that any of the reversals could take back, by any reference of theirs."""
    payment_ids = {id for e in reversals for id in (e.payment_id, e.bank_reference, e.reverses) if id}
    end_to_end_ids = {e.end_to_end_id for e in reversals if e.end_to_end_id}
    uetrs = {e.uetr for e in reversals if e.uetr}
    rows = await db.fetch(ORIGINALS, source_id, sorted(payment_ids), sorted(end_to_end_ids), sorted(uetrs))
    return [
        Original(
            Credit(row["payment_id"], Minor(row["amount_minor"]), row["currency"], row["end_to_end_id"], row["uetr"]),
            row["reference"],
            row["remittance"],
        )
        for row in rows
    ]


# ---- files, statements, entries

ADD_FILE: Final = """
insert into payments.bank_file (sha256, format, size_bytes, content, uploaded_by, received_at)
values ($1, $2, $3, $4, $5, $6)
    on conflict (sha256) do nothing
returning id
"""


async def add_file(
    db: Connection, sha256: bytes, name: str, content: bytes, uploaded_by: str, now: datetime
) -> int | None:
    """The new file's id; None where the same bytes were taken before, or by a twin that we waited for.

    `name` is that of its format.
    """
    found: int | None = await db.fetchval(ADD_FILE, sha256, name, len(content), content, uploaded_by, now)
    return found


ADD_STATEMENTS: Final = """
insert into payments.statement
       (file_id, position, source_id, bank_id, page, line, opening_minor, closing_minor, problems)
select $1, new.*
  from unnest($2::int[], $3::int[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::bigint[], $9::jsonb[])
       as new (position, source_id, bank_id, page, line, opening_minor, closing_minor, problems)
 order by new.position
returning position, id
"""


async def add_statements(db: Connection, file_id: int, statements: Sequence[tuple[int, Statement]]) -> list[int]:
    """Adds the statements of a file, each with its source's id, and answers with their ids in order."""
    rows = await db.fetch(
        ADD_STATEMENTS,
        file_id,
        list(range(len(statements))),
        [source_id for source_id, _ in statements],
        [s.id for _, s in statements],
        [s.page for _, s in statements],
        [s.line for _, s in statements],
        [s.opening for _, s in statements],
        [s.closing for _, s in statements],
        [json.dumps([{"where": p.where, "what": p.what} for p in s.problems]) for _, s in statements],
    )
    ids = {row["position"]: row["id"] for row in rows}
    return [ids[position] for position in range(len(statements))]


_ENTRY_COLUMNS: Final = (
    *("statement_id", "position", "source_id", "payment_id", "mark", "kind", "amount_minor", "currency"),
    *("booking_date", "value_date", "bank_reference", "end_to_end_id", "uetr", "reference", "remittance"),
    *("remitter_name", "remitter_account", "method", "reverses", "original_found", "why_not", "published", "line"),
)


async def add_entries(db: Connection, entries: Sequence[ShownEntry]) -> None:
    """Adds entries of statements."""
    rows = [
        (
            *(shown.statement_id, shown.position, shown.source_id, e.payment_id, e.mark, e.kind, e.amount, e.currency),
            *(e.booking_date, e.value_date, e.bank_reference, e.end_to_end_id, e.uetr, e.reference, e.remittance),
            *(e.remitter_name, e.remitter_account, e.method, e.reverses, e.original_found, e.why_not),
            *(shown.published, e.line),
        )
        for shown in entries
        for e in (shown.entry,)
    ]
    await db.copy_records_to_table("statement_entry", schema_name="payments", columns=_ENTRY_COLUMNS, records=rows)


GET_FILE: Final = """
select id, format, sha256, size_bytes from payments.bank_file where sha256 = $1
"""

FILE_STATEMENTS: Final = """
select s.id, s.file_id, s.bank_id, s.page, s.line, s.opening_minor, s.closing_minor, s.problems::text as problems,
       w.name as source, w.account, w.currency
  from payments.statement s
  join payments.statement_source w on w.id = s.source_id
 where s.file_id = $1
 order by s.position
"""

GET_STATEMENT: Final = """
select s.id, s.file_id, s.bank_id, s.page, s.line, s.opening_minor, s.closing_minor, s.problems::text as problems,
       w.name as source, w.account, w.currency
  from payments.statement s
  join payments.statement_source w on w.id = s.source_id
 where s.id = $1
"""

ENTRIES: Final = """
select statement_id, payment_id, mark, kind, amount_minor, currency, booking_date, value_date, bank_reference,
       end_to_end_id, uetr, reference, remittance, remitter_name, remitter_account, method, reverses, original_found,
       why_not, line
  from payments.statement_entry
 where statement_id = any($1::bigint[])
 order by statement_id, position
"""


async def get_file(db: Connection, sha256: bytes) -> StoredFile | None:
    """The file with these bytes, with everything in it."""
    file = await db.fetchrow(GET_FILE, sha256)
    if file is None:
        return None
    statements = await _stored(db, await db.fetch(FILE_STATEMENTS, file["id"]))
    return StoredFile(file["id"], file["format"], file["sha256"], file["size_bytes"], statements)


async def get_statement(db: Connection, id: int) -> StoredStatement | None:
    """One statement with its entries."""
    return next(iter(await _stored(db, await db.fetch(GET_STATEMENT, id))), None)


async def _stored(db: Connection, rows: Sequence[Record]) -> tuple[StoredStatement, ...]:
    entries: dict[int, list[Entry]] = {row["id"]: [] for row in rows}
    for row in await db.fetch(ENTRIES, list(entries)):
        entries[row["statement_id"]].append(_entry(row))
    return tuple(
        StoredStatement(row["id"], row["file_id"], row["source"], _statement(row, entries[row["id"]])) for row in rows
    )


def _statement(row: Record, entries: Sequence[Entry]) -> Statement:
    return Statement(
        id=row["bank_id"],
        account=row["account"],
        currency=row["currency"],
        opening=row["opening_minor"],
        closing=row["closing_minor"],
        balances=(),
        entries=tuple(entries),
        problems=tuple(Problem(**problem) for problem in json.loads(row["problems"])),
        line=row["line"],
        page=row["page"],
    )


def _entry(row: Record) -> Entry:
    return Entry(
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
