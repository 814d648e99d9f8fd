"""Kafka in: records become snapshots, snapshots become rows, and what nobody can read goes to the dead letters."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from services.metrics.domain import Allocation, Deal, Fund, Hold, Receivable, Reserves, Snapshot, Terms
from services.metrics.handlers import keep
from shared import currency, dead_letters
from shared.clock import is_time_zone
from shared.contracts import (
    AllocationStatusChanged,
    CallState,
    CallTermsChanged,
    DealChanged,
    FundChanged,
    PaymentHeld,
    ReserveReallocated,
    Unreadable,
)
from shared.contracts.base import Contract
from shared.contracts.members import Members, reader_of
from shared.currency import UnknownCurrency
from shared.dead_letters import DeadLetter
from shared.kafka.records import Arrival
from shared.money import NotAnAmount, checked
from shared.postgres import Connection
from shared.value import new_tuple


class UnknownTimeZone(ValueError):
    """The name is none of the IANA database."""


async def apply(db: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """One batch, inside the caller's transaction."""
    said, unreadable = read(arrivals)
    await keep(db, said)
    await dead_letters.add(db, unreadable, now)


def read(arrivals: Sequence[Arrival]) -> tuple[list[Snapshot], list[DeadLetter]]:
    """What the records say, and those that say nothing anybody could understand or use, in this order.

    Each becomes its snapshot before the next is read: thousands of events kept at once would cost as much again.
    """
    said: list[Snapshot] = []
    unreadable: list[DeadLetter] = []
    unusable: list[DeadLetter] = []
    for arrival in arrivals:
        members_of, snapshot_of = _READERS[arrival.topic]
        try:
            said.append(snapshot_of(members_of(arrival.data)))
        except Unreadable as wrong:
            unreadable.append(DeadLetter(arrival, wrong.reason, wrong.detail))
        except (NotAnAmount, UnknownCurrency, UnknownTimeZone) as wrong:
            unusable.append(DeadLetter(arrival, *_reason(wrong)))
    return said, unreadable + unusable


def _reason(wrong: NotAnAmount | UnknownCurrency | UnknownTimeZone) -> tuple[str, str]:
    if isinstance(wrong, UnknownTimeZone):
        return "bad_time_zone", f"{str(wrong)!r} is no IANA time zone, and every business date is reckoned by it"
    if isinstance(wrong, UnknownCurrency):
        return "bad_currency", f"{wrong} is no currency of ISO 4217 with minor units"
    return "bad_amount", f"{wrong} is no amount of its currency; write plain digits with at most its decimals"


# --- events to snapshots: the only place where their amounts become integers -----------------------------------------


def fund_of(event: Members) -> Fund:
    if not is_time_zone(event["time_zone"]):
        raise UnknownTimeZone(event["time_zone"])
    return Fund(
        id=event["id"],
        name=event["name"],
        currency=event["currency"],
        time_zone=event["time_zone"],
        size=currency.parse(event["size"], event["currency"]),
        version=event["version"],
    )


def deal_of(event: Members) -> Deal:
    return Deal(event["id"], event["name"], event["stage"], event["version"])


def terms_of(event: Members) -> Terms:
    return Terms(
        id=event["call_id"],
        allocation_id=event["allocation_id"],
        fund_id=event["fund_id"],
        deal_id=event["deal_id"],
        seq_no=event["seq_no"],
        reference=event["reference"],
        currency=event["currency"],
        due_date=event["due_date"],
        planned=currency.parse(event["amount"], event["currency"]),
        notice_date=event["notice_date"],
        issued_on=event["issued_on"],
        priority=event["priority"],
        stage=event["stage"],
        occurred_at=event["occurred_at"],
        version=event["terms_version"],
    )


def receivable_of(event: Members) -> Receivable:
    code = event["currency"]
    decimals = currency.exponent(code)
    return new_tuple(
        Receivable,
        (
            event["call_id"],
            event["allocation_id"],
            event["fund_id"],
            event["deal_id"],
            event["seq_no"],
            event["reference"],
            code,
            event["due_date"],
            checked(event["original_amount"], decimals),
            checked(event["released"], decimals),
            checked(event["amount"], decimals),
            checked(event["paid"], decimals),
            event["last_paid_on"],
            event["status"],
            event["postings"],
            event["occurred_at"],
            event["version"],
        ),
    )


def allocation_of(event: Members) -> Allocation:
    code = event["currency"]
    decimals = currency.exponent(code)
    return new_tuple(
        Allocation,
        (
            event["allocation_id"],
            event["fund_id"],
            event["deal_id"],
            code,
            checked(event["committed"], decimals),
            checked(event["planned"], decimals),
            checked(event["called"], decimals),
            checked(event["funded"], decimals),
            event["status"],
            event["funding_status"],
            event["occurred_at"],
            event["version"],
        ),
    )


def hold_of(event: Members) -> Hold:
    return Hold(
        id=event["hold_id"],
        source=event["source"],
        payment_id=event["payment_id"],
        kind=event["kind"],
        amount=currency.parse(event["amount"], event["currency"]),
        currency=event["currency"],
        value_date=event["value_date"],
        fund_id=event["fund_id"],
        call_id=event["call_id"],
        reason=event["reason"],
        state=event["state"],
        resolution=event["resolution"],
        occurred_at=event["occurred_at"],
        version=event["version"],
    )


def reserves_of(event: Members) -> Reserves:
    """Only the total is kept; the other amounts must be amounts all the same, since no event is half believed."""
    code = event["currency"]
    decimals = currency.exponent(code)
    checked(event["total_before"], decimals)
    for change in event["changes"]:
        checked(change["before"], decimals)
        checked(change["after"], decimals)
    return Reserves(
        id=event["fund_id"],
        currency=code,
        planned=checked(event["total_after"], decimals),
        companies=event["companies"],
        occurred_at=event["occurred_at"],
        version=event["version"],
    )


_SNAPSHOTS: Final[Mapping[type[Contract], Callable[[Members], Snapshot]]] = {
    FundChanged: fund_of,
    DealChanged: deal_of,
    CallTermsChanged: terms_of,
    CallState: receivable_of,
    AllocationStatusChanged: allocation_of,
    PaymentHeld: hold_of,
    ReserveReallocated: reserves_of,
}
READS: Final[Mapping[str, type[Contract]]] = {contract.topic: contract for contract in _SNAPSHOTS}
_READERS: Final = {contract.topic: (reader_of(contract), snapshot_of) for contract, snapshot_of in _SNAPSHOTS.items()}
