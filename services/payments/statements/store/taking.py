"""SQL of taking a bank's file: what was sent on before, and the file, its statements and entries as new rows."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

from services.payments.feeds import Credit, Entry, Problem, Statement
from shared.money import Minor
from shared.postgres import Connection

Content: TypeAlias = "tuple[str | None, int, str, date | None, str | None, str | None]"


@dataclass(frozen=True, slots=True)
class Original:
    """A credit that was sent on before, with the texts that say which call it named."""

    credit: Credit
    reference: str | None
    remittance: str | None


@dataclass(frozen=True, slots=True)
class NewStatement:
    """A statement of a file, whose source is known, and the days that it speaks of."""

    source_id: int
    statement: Statement
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry where a statement shows it; `published` says that it is sent on now."""

    statement_id: int
    position: int
    source_id: int
    entry: Entry
    published: bool


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
insert into payments.bank_file (sha256, format, size_bytes, uploaded_by, received_at)
values ($1, $2, $3, $4, $5)
    on conflict (sha256) do nothing
returning id
"""

ADD_PIECE: Final = """
insert into payments.bank_file_piece (file_id, position, content) values ($1, $2, $3)
"""


async def add_file(
    db: Connection, sha256: bytes, format_name: str, size_bytes: int, uploaded_by: str, now: datetime
) -> int | None:
    """The new file's id; None where the same bytes were taken before, or by a twin that we waited for."""
    found: int | None = await db.fetchval(ADD_FILE, sha256, format_name, size_bytes, uploaded_by, now)
    return found


async def add_pieces(db: Connection, file_id: int, pieces: Iterable[bytes]) -> None:
    """The bytes of a file, one piece after the other, so that one at a time is in memory."""
    for position, piece in enumerate(pieces):
        await db.execute(ADD_PIECE, file_id, position, piece)


ADD_STATEMENTS: Final = """
insert into payments.statement
       (file_id, position, source_id, bank_id, page, line, opening_minor, closing_minor, first_day, last_day, problems)
select $1, new.*
  from unnest($2::int[], $3::int[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::bigint[], $9::date[],
              $10::date[], $11::jsonb[])
       as new (position, source_id, bank_id, page, line, opening_minor, closing_minor, first_day, last_day, problems)
 order by new.position
returning position, id
"""


async def add_statements(db: Connection, file_id: int, statements: Sequence[NewStatement]) -> list[int]:
    """Adds the statements of a file and answers with their ids, in order."""
    told = [one.statement for one in statements]
    rows = await db.fetch(
        ADD_STATEMENTS,
        file_id,
        list(range(len(statements))),
        [one.source_id for one in statements],
        [s.id for s in told],
        [s.page for s in told],
        [s.line for s in told],
        [s.opening for s in told],
        [s.closing for s in told],
        [one.first_day for one in statements],
        [one.last_day for one in statements],
        [_problems(s.problems) for s in told],
    )
    ids = {row["position"]: row["id"] for row in rows}
    return [ids[position] for position in range(len(statements))]


def _problems(problems: Iterable[Problem]) -> str:
    return json.dumps([{"where": problem.where, "what": problem.what} for problem in problems])


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
