"""SQL of imports: what keys stand for, and rows of every table by COPY."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from services.allocations.domain import Allocation, Call, Deal, Fund
from services.allocations.imports.rules import Kind, Known, Name, NewKey
from shared import currency
from shared.ids import AllocationId, DealId, FundId
from shared.postgres import Connection, Retry, is_taken

FIND_KEYS: Final = """
select k.kind, k.key, k.id, k.content
  from unnest($1::text[], $2::text[]) as asked (kind, key)
  join allocations.import_key k on k.kind = asked.kind and k.key = asked.key
"""


async def find_keys(db: Connection, names: Collection[Name]) -> dict[Name, Known]:
    """What these keys stand for; those that nobody used are missing."""
    if not names:
        return {}
    rows = await db.fetch(FIND_KEYS, [str(kind) for kind, _ in names], [key for _, key in names])
    return {(Kind(row["kind"]), row["key"]): Known(row["id"], row["content"]) for row in rows}


FIND_PROMISES: Final = """
select a.fund_id, a.deal_id, a.id
  from unnest($1::bigint[], $2::bigint[]) as asked (fund_id, deal_id)
  join allocations.allocation a on a.deal_id = asked.deal_id and a.fund_id = asked.fund_id
"""


async def find_promises(
    db: Connection, pairs: Collection[tuple[FundId, DealId]]
) -> dict[tuple[FundId, DealId], AllocationId]:
    """The allocations of these funds to these deals; read after the deals are locked."""
    if not pairs:
        return {}
    rows = await db.fetch(FIND_PROMISES, [fund_id for fund_id, _ in pairs], [deal_id for _, deal_id in pairs])
    return {(row["fund_id"], row["deal_id"]): row["id"] for row in rows}


LAST_PLACES: Final = """
select allocation_id, max(seq_no) as place
  from allocations.call
 where allocation_id = any($1::bigint[])
 group by allocation_id
"""


async def last_places(db: Connection, ids: Collection[AllocationId]) -> dict[AllocationId, int]:
    """The place of the last call of each of these locked allocations that has calls."""
    if not ids:
        return {}
    return {row["allocation_id"]: row["place"] for row in await db.fetch(LAST_PLACES, list(ids))}


CHECK_NOW: Final = """
set constraints all immediate
"""


async def check_now(db: Connection) -> None:
    """Checks at once what else is checked at commit; for a transaction that will never be committed."""
    await db.execute(CHECK_NOW)


async def _copy(db: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows; raises `Retry` where another transaction took meanwhile a key or a promise that was free."""
    if not rows:
        return
    try:
        await db.copy_records_to_table(table, schema_name="allocations", columns=columns, records=rows)
    except Exception as error:
        if is_taken(error):
            raise Retry(f"another transaction was first: {getattr(error, 'constraint_name', None)}") from error
        raise


_KEY: Final = ("kind", "key", "id", "content", "dated_on", "import_id", "row_number", "recorded_at")


async def add_keys(db: Connection, keys: Sequence[NewKey], *, import_id: bytes, now: datetime) -> None:
    """Remembers what new keys stand for. Written in their order, so that imports of the same keys never deadlock."""
    rows = [(str(k.row.kind), k.row.key, k.id, k.row.content, k.row.dated_on, import_id, k.row.row, now) for k in keys]
    await _copy(db, "import_key", _KEY, sorted(rows, key=_name))


def _name(row: tuple[Any, ...]) -> tuple[str, str]:
    return row[0], row[1]


_FUND: Final = ("id", "name", "currency", "exponent", "time_zone", "size_minor", "changed_at", "version")


async def add_funds(db: Connection, funds: Sequence[Fund]) -> None:
    """New funds."""
    rows = [
        (f.id, f.name, f.currency, currency.exponent(f.currency), f.time_zone, f.size, f.changed_at, f.version)
        for f in funds
    ]
    await _copy(db, "fund", _FUND, rows)


async def add_deals(db: Connection, deals: Sequence[Deal]) -> None:
    """New deals, in whatever stage they have reached."""
    rows = [(d.id, d.name, str(d.stage), d.changed_at, d.version) for d in deals]
    await _copy(db, "deal", ("id", "name", "stage", "changed_at", "version"), rows)


_ALLOCATION: Final = (
    *("id", "fund_id", "deal_id", "currency", "exponent", "committed_minor", "planned_minor", "called_minor"),
    *("funded_minor", "fresh", "status", "previous_status", "cause", "changed_at", "version"),
)


async def add_allocations(db: Connection, allocations: Sequence[Allocation]) -> None:
    """New allocations, in whatever version they have reached."""
    rows = [
        (
            *(a.id, a.fund_id, a.deal_id, a.currency, currency.exponent(a.currency), a.committed, a.planned, a.called),
            *(a.funded, a.fresh, str(a.status), _text(a.previous_status), str(a.cause), a.changed_at, a.version),
        )
        for a in allocations
    ]
    await _copy(db, "allocation", _ALLOCATION, rows)


_CALL: Final = (
    *("id", "allocation_id", "seq_no", "amount_minor", "due_date", "notice_date", "priority", "from_schedule"),
    *("grace_days", "cure_days", "stage", "previous_stage", "issued_on", "changed_at", "terms_version"),
)


async def add_calls(db: Connection, calls: Sequence[Call]) -> None:
    """New calls."""
    rows = [
        (
            *(c.id, c.allocation_id, c.seq_no, c.amount, c.due_date, c.notice_date, c.priority, c.from_schedule),
            *(c.grace_days, c.cure_days, str(c.stage), _text(c.previous_stage), c.issued_on, c.changed_at),
            c.terms_version,
        )
        for c in calls
    ]
    await _copy(db, "call", _CALL, rows)


def _text(word: object | None) -> str | None:
    return None if word is None else str(word)


__all__ = [
    "add_allocations",
    "add_calls",
    "add_deals",
    "add_funds",
    "add_keys",
    "check_now",
    "find_keys",
    "find_promises",
    "last_places",
]
