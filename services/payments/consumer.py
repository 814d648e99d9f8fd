"""Kafka in: records become funds, terms and entries, in this order; what nobody can use goes to the dead letters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from services.payments import handlers
from services.payments.domain import Entry, Kind, Stage, Terms, is_reserved
from services.payments.store import Fund, Numbers
from shared import accounts, currency, dead_letters, topics
from shared.contracts import CallTermsChanged, Contract, FundChanged, PaymentReceived, Unreadable, feeds
from shared.contracts.members import Members, reader_of
from shared.currency import UnknownCurrency
from shared.dead_letters import DeadLetter
from shared.ids import AllocationId, CallId, DealId, FundId
from shared.kafka.records import Arrival
from shared.kafka.sorting import sort_out
from shared.money import NotAnAmount
from shared.outbox import Origin
from shared.postgres import Connection
from shared.telemetry import REGISTRY

log = structlog.get_logger(__name__)

READS: Final[dict[str, type[Contract]]] = {
    topics.FUND_CHANGED: FundChanged,
    topics.CALL_TERMS_CHANGED: CallTermsChanged,
}
TOPICS: Final = (*READS, topics.PAYMENT_RECEIVED)

MOST_DAYS: Final = 36_500  # of grace or cure: a century is no term of payment
MOST_MINOR: Final = 10**18  # what a bigint holds, with room to add

ENTRIES: Final = Counter(
    "drawdown_payments_entries", "Bank entries by what became of them.", ["became"], registry=REGISTRY
)

E = TypeVar("E")
T = TypeVar("T")


class Unusable(ValueError):
    """A record that is well formed and can still never be used."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Consumer:
    """Does batches of records. `account_key` keys the hash of account numbers; without it none is kept."""

    numbers: Numbers
    account_key: bytes

    async def apply(self, db: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
        """One batch, inside the caller's transaction: funds, then terms, then payments."""
        told = [arrival for arrival in arrivals if arrival.topic == topics.PAYMENT_RECEIVED]
        others = [arrival for arrival in arrivals if arrival.topic != topics.PAYMENT_RECEIVED]
        found = sort_out(others, READS)
        letters = list(found.unreadable)
        funds = _usable(found.of(topics.FUND_CHANGED, FundChanged), fund_of, letters)
        terms = _usable(found.of(topics.CALL_TERMS_CHANGED, CallTermsChanged), terms_of, letters)
        entries = _usable(((arrival, arrival.data) for arrival in told), self.entry_of, letters)
        # What one record caused names that record; what a whole batch caused is the system's work.
        origin = arrivals[0].origin() if len(arrivals) == 1 else Origin()
        await handlers.apply_funds(db, funds)
        await handlers.apply_terms(db, terms, now=now, origin=origin)
        received = await handlers.receive_payments(db, self.numbers, entries, now=now, origin=origin)
        await dead_letters.add(db, letters, now)
        _count(received)

    def entry_of(self, data: bytes) -> Entry:
        """The entry that a bank reports, without its account number.

        Raises `Unreadable` for what the contract refuses, `Unusable` for a source of our own.
        """
        told = read_entry(data)
        source, money, remitter = told["source"], told["currency"], told["remitter"] or _NOBODY
        if is_reserved(source):
            raise Unusable("reserved_source", f"source: {source} is a source of our own; name the bank's account")
        account = accounts.cut(remitter["account"], self.account_key) if remitter["account"] else None
        return Entry(
            source,
            told["payment_id"],
            _KINDS[told["kind"]],
            currency.parse(told["amount"], money),
            money,
            told["value_date"],
            told["call_id"],
            told["reference"] or None,
            told["remittance"] or None,
            told["reverses"],
            remitter["name"],
            account.digest if account else None,
            account.last4 if account else None,
            told["method"],
            told["booked_at"],
        )


read_entry: Final = reader_of(PaymentReceived, feeds.agree)  # nine in ten of our records: read without a model of each
_KINDS: Final = {str(kind): kind for kind in Kind}
_NOBODY: Final[Members] = {"name": None, "account": None}


def _usable(told: Iterable[tuple[Arrival, E]], make: Callable[[E], T], letters: list[DeadLetter]) -> list[T]:
    """What can be made of some events; the others become dead letters."""
    made: list[T] = []
    for arrival, event in told:
        try:
            made.append(make(event))
        except Unreadable as wrong:
            letters.append(DeadLetter(arrival, wrong.reason, wrong.detail))
        except Unusable as wrong:
            letters.append(DeadLetter(arrival, wrong.reason, str(wrong)))
        except UnknownCurrency as wrong:
            letters.append(DeadLetter(arrival, "bad_currency", f"{wrong} is no currency of ISO 4217 with minor units"))
        except NotAnAmount as wrong:
            letters.append(DeadLetter(arrival, "bad_amount", f"{wrong} has more decimals than its currency"))
    return made


def _count(received: handlers.Received) -> None:
    ENTRIES.labels("booked").inc(received.booked)
    ENTRIES.labels("held").inc(received.held)
    ENTRIES.labels("duplicate").inc(received.duplicates)
    ENTRIES.labels("identity_conflict").inc(received.conflicts)
    if received.conflicts:
        log.error("one identity was given to different entries", conflicts=received.conflicts)


def fund_of(event: FundChanged) -> Fund:
    """The fund as far as money needs to know it."""
    currency.exponent(event.currency)
    return Fund(FundId(event.id), event.currency, _time_zone(event.time_zone), event.version)


def terms_of(event: CallTermsChanged) -> Terms:
    """The terms of a call; raises `Unusable` for days or amounts that no calendar and no column can hold."""
    if max(event.grace_days, event.cure_days) > MOST_DAYS:
        raise Unusable("bad_value", f"grace_days and cure_days: at most {MOST_DAYS}")
    amount = currency.parse(event.amount, event.currency)
    if amount > MOST_MINOR:
        raise Unusable("bad_amount", f"amount: at most {MOST_MINOR} minor units")
    return Terms(
        id=CallId(event.call_id),
        allocation_id=AllocationId(event.allocation_id),
        fund_id=FundId(event.fund_id),
        deal_id=DealId(event.deal_id),
        seq_no=event.seq_no,
        reference=event.reference,
        currency=event.currency,
        amount=amount,
        due_on=event.due_date,
        grace_days=event.grace_days,
        cure_days=event.cure_days,
        terms_version=event.terms_version,
        stage=Stage(event.stage),
        time_zone=_time_zone(event.time_zone),
    )


def _time_zone(name: str) -> str:
    """The name, which must be one of the IANA database: every business date of the fund is reckoned by it."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Unusable("bad_time_zone", f"time_zone: {name!r} is no IANA time zone") from error
    return name
