"""SQL of payments and conflicts: entries as they were told, and where their money is."""

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final

from services.payments.domain import Conflict, Content, Entry, Hold, Identity, Kind, Payment, Posting
from services.payments.store.holds import HOLD, hold_of, open_holds
from services.payments.store.postings import live_applications
from services.payments.store.writing import copy, expect
from shared.ids import PaymentId
from shared.postgres import Connection, Record

KEPT_REMITTANCE: Final = 500  # characters; the whole of it stays with audit


PAYMENT: Final = """
       p.id, s.name as source, p.external_id, p.kind, p.amount_minor, p.currency, p.value_date, p.call_id, p.reference,
       p.remittance, p.reverses, p.remitter_name, p.account_hash, p.account_last4, p.method, p.booked_at,
       p.recorded_at, p.original_id, p.applied_minor, p.held_minor, p.returned_minor, p.dismissed_minor,
       p.reversed_minor
"""

# By identity, in its order; every lock of payments in this service is taken so.
LOCK_PAYMENTS: Final = f"""
select {PAYMENT}
  from unnest($1::int[], $2::text[]) as asked (source_id, external_id)
  join payments.payment p on p.source_id = asked.source_id and p.external_id = asked.external_id
  join payments.source s on s.id = p.source_id
 order by p.source_id, p.external_id
   for no key update of p
"""  # noqa: S608  (columns of ours)

LOCK_PAYMENTS_BY_ID: Final = f"""
select {PAYMENT}
  from payments.payment p
  join payments.source s on s.id = p.source_id
 where p.id = any($1::bigint[])
 order by p.source_id, p.external_id
   for no key update of p
"""  # noqa: S608  (columns of ours)


async def lock_payments(db: Connection, sources: dict[str, int], identities: Iterable[Identity]) -> list[Payment]:
    """Payments by identity, locked, with their live applications and open holds as they are after the wait."""
    asked = sorted((sources[source], external_id) for source, external_id in set(identities))
    if not asked:
        return []
    rows = await db.fetch(LOCK_PAYMENTS, [key[0] for key in asked], [key[1] for key in asked])
    return await _with_money(db, rows)


async def lock_payments_by_id(db: Connection, ids: Collection[PaymentId]) -> list[Payment]:
    """Payments by our own numbers, locked in the order of their identities."""
    return await _with_money(db, await db.fetch(LOCK_PAYMENTS_BY_ID, sorted(ids)))


GET_PAYMENT: Final = f"""
select {PAYMENT}
  from payments.payment p
  join payments.source s on s.id = p.source_id
 where p.id = $1
"""  # noqa: S608  (columns of ours)


async def get_payment(db: Connection, payment_id: PaymentId) -> Payment | None:
    """One payment with its live applications and open hold."""
    found = await _with_money(db, await db.fetch(GET_PAYMENT, payment_id))
    return found[0] if found else None


async def _with_money(db: Connection, rows: Sequence[Record]) -> list[Payment]:
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    applications = await live_applications(db, ids)
    holds = await open_holds(db, ids)
    return [payment_of(row, applications.get(row["id"], ()), holds.get(row["id"])) for row in rows]


def payment_of(row: Record, applications: Iterable[Posting], hold: Hold | None) -> Payment:
    """The payment that a row keeps."""
    return Payment(
        id=row["id"],
        entry=entry_of(row),
        recorded_at=row["recorded_at"],
        applied=row["applied_minor"],
        held=row["held_minor"],
        returned=row["returned_minor"],
        dismissed=row["dismissed_minor"],
        reversed=row["reversed_minor"],
        original_id=row["original_id"],
        applications=tuple(applications),
        hold=hold,
    )


SAVE_PAYMENTS: Final = """
update payments.payment p
   set applied_minor = new.applied, held_minor = new.held, returned_minor = new.returned,
       dismissed_minor = new.dismissed, reversed_minor = new.reversed, original_id = new.original_id
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    as new (id, applied, held, returned, dismissed, reversed, original_id)
 where p.id = new.id
"""


async def save_payments(db: Connection, payments: Sequence[Payment]) -> None:
    """Writes where the money of locked payments now is; all of them, or it raises."""
    if payments:
        done = await db.execute(
            SAVE_PAYMENTS,
            [p.id for p in payments],
            [p.applied for p in payments],
            [p.held for p in payments],
            [p.returned for p in payments],
            [p.dismissed for p in payments],
            [p.reversed for p in payments],
            [p.original_id for p in payments],
        )
        expect(len(payments), done)


_ENTRY_COLUMNS: Final = (
    *("source_id", "external_id", "kind", "amount_minor", "currency", "value_date", "call_id", "reference"),
    *("remittance", "reverses", "remitter_name", "account_hash", "account_last4", "method", "booked_at"),
)


def _entry_row(entry: Entry, source_id: int) -> tuple[Any, ...]:
    remittance = entry.remittance
    return (
        source_id,
        entry.external_id,
        str(entry.kind),
        entry.amount,
        entry.currency,
        entry.value_date,
        entry.call_id,
        entry.reference,
        remittance[:KEPT_REMITTANCE] if remittance else None,
        entry.reverses,
        entry.remitter,
        entry.account_hash,
        entry.account_last4,
        entry.method,
        entry.booked_at,
    )


def entry_of(row: Record) -> Entry:
    """The entry that a row of payments or conflicts keeps."""
    return Entry(
        source=row["source"],
        external_id=row["external_id"],
        kind=Kind(row["kind"]),
        amount=row["amount_minor"],
        currency=row["currency"],
        value_date=row["value_date"],
        call_id=row["call_id"],
        reference=row["reference"],
        remittance=row["remittance"],
        reverses=row["reverses"],
        remitter=row["remitter_name"],
        account_hash=row["account_hash"],
        account_last4=row["account_last4"],
        method=row["method"],
        booked_at=row["booked_at"],
    )


_PAYMENT_COLUMNS: Final = (
    *_ENTRY_COLUMNS,
    *("id", "recorded_at", "original_id", "applied_minor", "held_minor", "reversed_minor", "booked_to"),
    "booked_version",
)
_NOWHERE: Final = (None, None)


async def add_payments(
    db: Connection, sources: dict[str, int], payments: Sequence[Payment], postings: Iterable[Posting]
) -> None:
    """Books payments, each with the posting that applied it in the same moment, if there was one among `postings`.

    Raises `Retry` where another transaction has just booked one of these identities. Written in the order of
    identities, so two batches that bring the same ones wait for each other instead of deadlocking.
    """
    booked = {posting.payment_id: (posting.call_id, posting.call_version) for posting in postings if posting.is_booking}
    rows = [
        (
            *_entry_row(p.entry, sources[p.entry.source]),
            p.id,
            p.recorded_at,
            p.original_id,
            p.applied,
            p.held,
            p.reversed,
            *booked.get(p.id, _NOWHERE),
        )
        for p in payments
    ]
    rows.sort(key=_by_identity)
    await copy(db, "payment", _PAYMENT_COLUMNS, rows)


_by_identity: Final = itemgetter(0, 1)

_CONFLICT_COLUMNS: Final = (*_ENTRY_COLUMNS, "id", "payment_id", "recorded_at", "content")


async def add_conflicts(db: Connection, sources: dict[str, int], conflicts: Sequence[Conflict]) -> None:
    """Puts contradictions on record."""
    rows = [
        (*_entry_row(c.entry, sources[c.entry.source]), c.id, c.payment_id, c.recorded_at, _digest(c.content))
        for c in conflicts
    ]
    rows.sort(key=_by_identity)
    await copy(db, "conflict", _CONFLICT_COLUMNS, rows)


def _digest(content: Content) -> bytes:
    """What is short enough for a unique key."""
    return blake2b("\x1f".join("" if part is None else str(part) for part in content).encode(), digest_size=16).digest()


LOCK_CONFLICT: Final = """
select c.id, c.payment_id, c.recorded_at, s.name as source, c.external_id, c.kind, c.amount_minor,
       c.currency, c.value_date, c.call_id, c.reference, c.remittance, c.reverses, c.remitter_name, c.account_hash,
       c.account_last4, c.method, c.booked_at
  from payments.conflict c
  join payments.source s on s.id = c.source_id
 where c.id = $1
"""

LOCK_CONFLICT_HOLD: Final = f"""
select {HOLD}
  from payments.hold
 where conflict_id = $1
   for no key update
"""  # noqa: S608  (columns of ours)


async def lock_conflict(db: Connection, conflict_id: PaymentId) -> tuple[Conflict, Hold] | None:
    """A conflict and its hold, which is locked."""
    row, hold = await db.fetchrow(LOCK_CONFLICT, conflict_id), await db.fetchrow(LOCK_CONFLICT_HOLD, conflict_id)
    if row is None or hold is None:
        return None
    conflict = Conflict(row["id"], row["payment_id"], entry_of(row), row["recorded_at"])
    return conflict, hold_of(hold)
