"""Bank entries: a batch of new ones, and held ones whose cause has gone. One function is one transaction's work."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.payments import store
from services.payments.domain import (
    Arrived,
    Book,
    Content,
    Entry,
    Identity,
    Kind,
    Known,
    Lookalikes,
    Payment,
    Reason,
    arrived,
    original_of,
    receive,
    reconsider,
)
from services.payments.handlers.saving import save
from services.payments.store import Numbers, OnRecord
from shared.crashpoint import crashpoint
from shared.ids import CallId, FundId, PaymentId
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
    found = await store.look_up(db, [arrival.identity for arrival in arrivals])
    crashpoint("payments.identities_looked_up")
    book = await _open_book(db, found, arrivals)
    crashpoint("payments.rows_locked")
    # A payment that is booked and applied whole takes one number; only parts, and what a reversal undoes, take others.
    reversals = sum(entry.kind is Kind.REVERSAL for entry in entries)
    undone = reversals + sum(len(payment.applications) for payment in book.payments.values())
    parts = len(arrivals) if book.applying else 0
    ids = await numbers.draw(db, payments=len(arrivals), postings=undone + parts, holds=len(arrivals))
    outcome = receive(book, arrivals, ids, now)
    numbers.give_back(ids)
    await save(db, outcome, found.sources, now, origin)
    return Received(len(outcome.booked), len(outcome.opened), outcome.duplicates, len(outcome.conflicts))


async def _open_book(db: Connection, found: OnRecord, arrivals: Sequence[Arrived]) -> Book:
    """Loads what the batch can touch, and locks what it can change, each in order: accounts with several names, then
    payments, then calls."""
    known = found.known
    fresh = [arrival for arrival in arrivals if arrival.identity not in known]
    alike = None
    if found.bank_accounts:
        alike = await store.lock_lookalikes(db, found.bank_accounts, [arrival.entry for arrival in fresh])
    originals = {original_of(a.entry) for a in fresh if a.entry.kind is Kind.REVERSAL}
    locked = await store.lock_payments(db, found.sources, originals)
    named = {arrival.calls[0] for arrival in fresh if len(arrival.calls) == 1}
    # A reversal may also find its original among the credits of its own batch.
    undone_here = {a.calls[0] for a in fresh if a.identity in originals and len(a.calls) == 1} if originals else set()
    contradicted = {
        a.identity for a in arrivals if a.identity in known and known[a.identity].content != a.entry.content
    }
    return await load(
        db,
        payments=locked,
        calls=named,
        undone=undone_here,
        accounts=found.accounts,
        known=known,
        conflicts=await store.known_conflicts(db, found.sources, contradicted),
        applying=found.applying,
        lookalikes=alike,
    )


async def load(
    db: Connection,
    *,
    payments: Iterable[Payment] = (),
    calls: Iterable[CallId] = (),
    undone: Iterable[CallId] = (),
    accounts: Mapping[str, FundId],
    known: Mapping[Identity, Known] | None = None,
    conflicts: Collection[tuple[Identity, Content]] = frozenset(),
    applying: Collection[FundId] = frozenset(),
    lookalikes: Lookalikes | None = None,
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
        accounts=accounts,
        known=known or {},
        conflicts=conflicts,
        payments=locked,
        paid_days=await store.paid_days(db, applied.union(undone) & found.keys()),
        applying=applying,
        lookalikes=lookalikes,
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
    accounts = await store.get_accounts(db, sources.keys())
    applying = await store.funds_applying(db)
    book = await load(db, payments=payments, calls=named, undone=named, accounts=accounts, applying=applying)
    most = len(payments) + sum(len(payment.applications) for payment in payments)
    ids = await numbers.draw(db, payments=0, postings=most, holds=len(payments) if applying else 0)
    outcome = reconsider(book, ids, now)
    numbers.give_back(ids)
    await save(db, outcome, sources, now, Origin())
    crashpoint("payments.held_decided_again")
    return PaymentId(waiting[-1]["id"])
