"""Bank entries: a batch of new ones, and held ones whose cause has gone. One function is one transaction's work."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.payments import store
from services.payments.domain import (
    Arrived,
    Book,
    Entry,
    Identity,
    Kind,
    Known,
    Payment,
    Reason,
    arrived,
    original_of,
    receive,
    reconsider,
)
from services.payments.handlers.saving import save
from services.payments.store import Numbers
from shared.ids import CallId, PaymentId
from shared.outbox import Origin
from shared.postgres import Connection

SLICE: Final = 1_000  # held payments decided again in one transaction


@dataclass(frozen=True, slots=True)
class Received:
    """What a batch came to, in numbers."""

    booked: int = 0
    held: int = 0
    duplicates: int = 0
    conflicts: int = 0


async def receive_payments(
    db: Connection, numbers: Numbers, entries: Sequence[Entry], *, now: datetime, origin: Origin
) -> Received:
    """Books, applies or holds every entry of a batch, exactly once; the caller's transaction makes it whole or nothing.

    Raises `Retry` where another transaction took an identity meanwhile: nothing is wrong, it only has to be done again.
    """
    if not entries:
        return Received()
    arrivals = [arrived(entry) for entry in entries]
    sources = await store.number_sources(db, {entry.source for entry in entries})
    known = await store.known_identities(db, sources, [arrival.identity for arrival in arrivals])
    book = await _open_book(db, sources, known, arrivals)
    most_postings = len(arrivals) + sum(len(payment.applications) for payment in book.payments.values())
    ids = await numbers.draw(db, payments=len(arrivals), postings=most_postings, holds=len(arrivals))
    outcome = receive(book, arrivals, ids, now)
    numbers.give_back(ids)
    await save(db, outcome, sources, now, origin)
    return Received(len(outcome.booked), len(outcome.opened), outcome.duplicates, len(outcome.conflicts))


async def _open_book(
    db: Connection, sources: dict[str, int], known: Mapping[Identity, Known], arrivals: Sequence[Arrived]
) -> Book:
    """Loads what the batch can touch, and locks what it can change: payments first, then calls, each in order."""
    fresh = [arrival for arrival in arrivals if arrival.identity not in known]
    originals = {original_of(a.entry) for a in fresh if a.entry.kind is Kind.REVERSAL}
    locked = await store.lock_payments(db, sources, originals)
    named = {arrival.calls[0] for arrival in fresh if len(arrival.calls) == 1}
    # A reversal may also find its original among the credits of its own batch.
    undone_here = {a.calls[0] for a in fresh if len(a.calls) == 1 and a.identity in originals}
    contradicted = {a.identity for a in arrivals if a.identity in known and known[a.identity].content != a.content}
    return await load(
        db,
        payments=locked,
        calls=named,
        undone=undone_here,
        accounts={arrival.entry.source for arrival in fresh},
        known=known,
        conflicts=await store.known_conflicts(db, sources, contradicted),
    )


async def load(
    db: Connection,
    *,
    payments: Iterable[Payment] = (),
    calls: Iterable[CallId] = (),
    undone: Iterable[CallId] = (),
    accounts: Collection[str] = (),
    known: Mapping[Identity, Known] | None = None,
    conflicts: Collection[tuple[Identity, bytes]] = frozenset(),
) -> Book:
    """The book for a transaction that has locked `payments`: locks the calls they are applied to, and `calls`.

    `undone` are calls that may lose applications besides.
    """
    locked = {payment.entry.identity: payment for payment in payments}
    applied = {posting.call_id for payment in locked.values() for posting in payment.applications}
    wanted = applied.union(calls)
    found = await store.lock_calls(db, wanted)
    return Book(
        calls=found,
        closed=await store.closed_plans(db, wanted - found.keys()),
        accounts=await store.get_accounts(db, accounts),
        known=known or {},
        conflicts=conflicts,
        payments=locked,
        paid_days=await store.paid_days(db, applied.union(undone) & found.keys()),
    )


async def sweep(
    db: Connection, numbers: Numbers, *, after: PaymentId, now: datetime, limit: int = SLICE
) -> PaymentId | None:
    """Decides again a slice of the held payments whose call or original has come, in payment-id order.

    Gives the last payment it looked at, to go on from, or None where nothing waits beyond `after`.
    """
    waiting = await store.holds_to_reconsider(db, after=after, limit=limit)
    if not waiting:
        return None
    sources = {row["source"]: row["source_id"] for row in waiting}
    identities: set[Identity] = {(row["source"], row["external_id"]) for row in waiting}
    originals = {(row["source"], row["reverses"]) for row in waiting if row["reverses"] is not None}
    payments = await store.lock_payments(db, sources, identities | originals)
    named = {
        payment.hold.call_id
        for payment in payments
        if payment.hold and payment.hold.reason is Reason.UNKNOWN_CALL and payment.hold.call_id is not None
    }
    book = await load(db, payments=payments, calls=named, undone=named, accounts=sources.keys())
    most = len(payments) + sum(len(payment.applications) for payment in payments)
    ids = await numbers.draw(db, payments=0, postings=most, holds=0)
    outcome = reconsider(book, ids, now)
    numbers.give_back(ids)
    await save(db, outcome, sources, now, Origin())
    return PaymentId(waiting[-1]["id"])
