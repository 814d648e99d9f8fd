"""Use cases of an import. One function is one transaction: load and lock, decide, write by COPY, tell."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from services.allocations import store as ledger
from services.allocations.domain import Allocation, Call, Fund
from services.allocations.handlers.views import (
    allocation_status_changed,
    call_snapshot,
    call_terms_changed,
    deal_changed,
    fund_changed,
)
from services.allocations.imports import store
from services.allocations.imports.rules import (
    AllocationRow,
    Book,
    CallRow,
    Decided,
    FundRow,
    Kind,
    Known,
    Name,
    Row,
    RowResult,
    decide,
)
from shared import outbox
from shared.clock import business_date
from shared.contracts.allocations import CallTermsChanged
from shared.ids import AllocationId, DealId, FundId
from shared.outbox import Event, Origin
from shared.postgres import Connection


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each row of a chunk, and the terms of the calls that it made."""

    results: Sequence[RowResult]
    terms: Sequence[CallTermsChanged]


async def import_rows(
    db: Connection, rows: Sequence[Row], *, import_id: bytes, now: datetime, origin: Origin
) -> Imported:
    """Takes every row that the rules allow, refuses the others, and tells of all that is new.

    Raises `Retry` where another import took one of the keys meanwhile.
    """
    book = await _open_book(db, rows, now)
    decided = decide(book, rows, await _new_ids(db, rows, book), now=now)
    await _save(db, book, decided, import_id, now)
    await outbox.add(db, _events(book, decided), origin)
    return Imported(decided.results, [call_snapshot(*_told(book, call)) for call in decided.calls])


async def look_at_rows(
    db: Connection, assumed: Sequence[Row], rows: Sequence[Row], *, import_id: bytes, now: datetime
) -> Imported:
    """What `import_rows` makes of the rows once those that are `assumed` were taken before.

    It is done for real; the caller's transaction must be rolled back.
    """
    if assumed:
        await import_rows(db, assumed, import_id=import_id, now=now, origin=Origin())
    imported = await import_rows(db, rows, import_id=import_id, now=now, origin=Origin())
    await store.check_now(db)
    return imported


async def find_keys(db: Connection, kind: Kind, keys: Collection[str]) -> Mapping[str, int]:
    """The ids that keys of one kind stand for; a text that can be no key stands for nothing."""
    found = await store.find_keys(db, [(kind, key) for key in keys if "\0" not in key])
    return {key: known.id for (_, key), known in found.items()}


async def _open_book(db: Connection, rows: Sequence[Row], now: datetime) -> Book:
    """Loads what the rows refer to; locks allocations that are called on, then deals that are committed to."""
    keys = await store.find_keys(db, {name for row in rows for name in _names(row)})
    called_on = _ids(keys, {(Kind.ALLOCATION, row.allocation_key) for row in rows if isinstance(row, CallRow)})
    allocations = await ledger.lock_allocations(db, [AllocationId(id) for id in called_on])
    promised = [row for row in rows if isinstance(row, AllocationRow)]
    deal_ids = _ids(keys, {(Kind.DEAL, row.deal_key) for row in promised})
    deals = await ledger.lock_deals(db, [DealId(id) for id in deal_ids])
    pairs = {
        (FundId(keys[Kind.FUND, row.fund_key].id), DealId(keys[Kind.DEAL, row.deal_key].id))
        for row in promised
        if (Kind.FUND, row.fund_key) in keys and (Kind.DEAL, row.deal_key) in keys
    }
    fund_ids = {FundId(id) for id in _ids(keys, {(Kind.FUND, row.fund_key) for row in promised})}
    funds = await ledger.get_funds(db, fund_ids | {allocation.fund_id for allocation in allocations.values()})
    zones = {fund.time_zone for fund in funds.values()} | {row.time_zone for row in rows if isinstance(row, FundRow)}
    return Book(
        keys=dict(keys),
        funds=funds,
        deals=deals,
        allocations=allocations,
        promises=await store.find_promises(db, pairs),
        places=await store.last_places(db, allocations.keys()),
        today={zone: business_date(now, zone) for zone in zones},
    )


def _names(row: Row) -> list[Name]:
    """The row's own key, and those that it refers to."""
    own: Name = (row.kind, row.key)
    match row:
        case AllocationRow():
            return [own, (Kind.FUND, row.fund_key), (Kind.DEAL, row.deal_key)]
        case CallRow():
            return [own, (Kind.ALLOCATION, row.allocation_key)]
        case _:
            return [own]


def _ids(keys: Mapping[Name, Known], names: Collection[Name]) -> list[int]:
    return [keys[name].id for name in names if name in keys]


_SEQUENCES: Final[Mapping[Kind, Literal["fund_id", "deal_id", "allocation_id", "call_id"]]] = {
    Kind.FUND: "fund_id",
    Kind.DEAL: "deal_id",
    Kind.ALLOCATION: "allocation_id",
    Kind.CALL: "call_id",
}


async def _new_ids(db: Connection, rows: Sequence[Row], book: Book) -> dict[Kind, list[int]]:
    """An id for each key that is new; refused rows leave gaps, which are harmless."""
    ids: dict[Kind, list[int]] = {}
    for kind, sequence in _SEQUENCES.items():
        new = {row.key for row in rows if row.kind is kind and (kind, row.key) not in book.keys}
        ids[kind] = await ledger.new_ids(db, sequence, len(new)) if new else []
    return ids


async def _save(db: Connection, book: Book, decided: Decided, import_id: bytes, now: datetime) -> None:
    """One statement per table. What is new is written as it has become, in whatever version."""
    new_deals = {deal.id for deal in decided.deals}
    new_allocations = {allocation.id for allocation in decided.allocations}
    await store.add_funds(db, decided.funds)
    await store.add_deals(db, [book.deals[deal.id] for deal in decided.deals])
    await store.add_allocations(db, [book.allocations[new.id] for new in decided.allocations])
    await store.add_calls(db, decided.calls)
    await store.add_keys(db, decided.keys, import_id=import_id, now=now)
    await ledger.save_allocations(db, [a for a in decided.called_on if a.id not in new_allocations])
    await ledger.save_deals(db, [deal for deal in decided.committed_deals if deal.id not in new_deals])


def _events(book: Book, decided: Decided) -> list[Event]:
    """Every version of everything, in the order in which they refer to each other."""
    return [
        *map(fund_changed, decided.funds),
        *map(deal_changed, decided.deals),
        *map(deal_changed, decided.committed_deals),
        *map(allocation_status_changed, decided.allocations),
        *(call_terms_changed(*_told(book, call)) for call in decided.calls),
        *map(allocation_status_changed, decided.called_on),
    ]


def _told(book: Book, call: Call) -> tuple[Call, Allocation, Fund]:
    allocation = book.allocations[call.allocation_id]
    return call, allocation, book.funds[allocation.fund_id]
