"""Use cases of an import. One function is one transaction: book by every entry's rules, tell, look what came of it.

Rows are not left to the topic alone: booked here, each answers at once with its payment, a dry run is the same
transaction taken back, and a file of a million rows never waits in a topic behind which live payments would wait too.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from services.payments import handlers as ledger
from services.payments import store as books
from services.payments.consumer import Unusable
from services.payments.domain import Entry, Terms
from services.payments.domain.calls import after_postings
from services.payments.imports import store
from services.payments.imports.rules import Read, Result, RowResult, refused, results
from services.payments.store import Numbers
from shared import accounts, currency, outbox, reference, topics
from shared.contracts import PaymentReceived, Unreadable
from shared.currency import UnknownCurrency
from shared.ids import CallId
from shared.money import Minor, NotAnAmount
from shared.outbox import Event, Origin
from shared.postgres import Connection
from shared.refusal import Refused

EntryOf = Callable[[bytes], Entry]


@dataclass(frozen=True, slots=True)
class AssumedCall:
    """For a dry run: a call that would be there by now, or one that would have been paid so much more."""

    call_id: CallId
    terms: Terms | None
    paid: str


def read(row: int, told: Mapping[str, Any], entry_of: EntryOf, account_key: bytes) -> Read | RowResult:
    """The entry that a row tells of, or its refusal in the words in which a feed's record is refused.

    `told` are the members of ``payment.received`` and the row's number again; others are not taken.
    """
    if not told.keys() <= _KNOWN:
        return refused(row, "invalid_value", f"{min(told.keys() - _KNOWN)}: no cell of a payment has this name")
    members = dict(told)
    del members["row"]
    try:
        event = orjson.dumps(_cut(members, account_key) if "remitter" in members else members)
        return Read(row, entry_of(event), event)
    except orjson.JSONEncodeError:
        return refused(row, "bad_text", "a cell holds what no text can hold")
    except Unreadable as wrong:
        return refused(row, wrong.reason, wrong.detail)
    except Unusable as wrong:
        return refused(row, wrong.reason, str(wrong))
    except UnknownCurrency as wrong:
        return refused(row, "bad_currency", f"{wrong} is no currency of ISO 4217 with minor units")
    except NotAnAmount as wrong:
        return refused(row, "bad_amount", f"{wrong} has more decimals than its currency")


_KNOWN: Final = frozenset({"row", *PaymentReceived.model_fields})


def _cut(members: dict[str, Any], account_key: bytes) -> dict[str, Any]:
    """The members with the remitter's account cut, as it may be passed on."""
    remitter = members["remitter"]
    if isinstance(remitter, dict) and isinstance(remitter.get("account"), str):
        account = accounts.cut(remitter["account"], account_key)
        members["remitter"] = {**remitter, "account": None if account is None else str(account)}
    return members


async def import_payments(
    db: Connection, numbers: Numbers, reads: Sequence[Read], *, now: datetime, origin: Origin
) -> list[RowResult] | Refused:
    """Books every entry once, and sends on what is new; refused whole where a call is named that was not heard of yet.

    Raises `Retry` where another transaction took an identity meanwhile.
    """
    named = {one.entry.call_id for one in reads if one.entry.call_id is not None}
    if unheard := await store.unheard_calls(db, named):
        return Refused(
            "calls_not_heard_yet",
            f"{len(unheard)} of the calls that these payments name are not known here yet",
            "Wait until they are, then send the same rows again.",
            {"unheard": len(unheard)},
        )
    return await _book(db, numbers, reads, now, origin)


async def look_at_payments(
    db: Connection, numbers: Numbers, assumed: Sequence[AssumedCall], reads: Sequence[Read], *, now: datetime
) -> list[RowResult]:
    """What would become of the entries once what is `assumed` had happened.

    It is done for real; the caller's transaction must be rolled back.
    """
    await _assume(db, assumed, now)
    return await _book(db, numbers, reads, now, Origin())


async def unheard_calls(db: Connection, ids: Collection[CallId]) -> int:
    """How many of these calls allocations has told nothing of yet."""
    return len(await store.unheard_calls(db, ids))


async def _book(
    db: Connection, numbers: Numbers, reads: Sequence[Read], now: datetime, origin: Origin
) -> list[RowResult]:
    await ledger.receive_payments(db, numbers, [one.entry for one in reads], now=now, origin=origin)
    booked = await store.find_entries(db, [one.entry.identity for one in reads], now)
    found = results(reads, booked)
    # What is known already was sent when it became known; a contradiction is sent, for it is on record as well.
    new = [one for one, what in zip(reads, found, strict=True) if what.outcome is not Result.ALREADY_THERE]
    await outbox.add(db, [_event(one, now) for one in new], origin)
    return found


def _event(one: Read, now: datetime) -> Event:
    """The entry on the topic of all entries, under the key of its call where it names one."""
    entry = one.entry
    calls = reference.find(entry.reference, entry.remittance) if entry.call_id is None else (entry.call_id,)
    key = str(calls[0]) if len(calls) == 1 else entry.source
    return Event(topics.PAYMENT_RECEIVED, key, f"{entry.source}/{entry.external_id}", one.event, now)


async def _assume(db: Connection, assumed: Sequence[AssumedCall], now: datetime) -> None:
    terms = [one.terms for one in assumed if one.terms is not None]
    if terms:
        await ledger.apply_terms(db, terms, now=now, origin=Origin())
    calls = await books.lock_calls(db, [one.call_id for one in assumed])
    paid = []
    for one in assumed:
        before = calls.get(one.call_id)
        if before is not None and (amount := currency.parse(one.paid, before.currency)):
            after = after_postings(
                before,
                paid=Minor(before.paid + min(amount, before.outstanding)),
                postings=before.postings,
                last_paid_on=before.last_paid_on or before.business_date,
            )
            paid.append((after, before.status))
    await books.save_calls(db, paid, now)
