"""Snapshots in, figures out: the newest version of everything, and the sums and shares that people look at.

Nothing here decides: each rule is a formula over what events said, in integers, for a date that is passed in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple, NewType, Protocol, TypeVar

from shared import money
from shared.money import Minor

Tenths = NewType("Tenths", int)  # of a percent: 400 is 40.0 %

ZERO: Final = Minor(0)
NOTHING: Final = Tenths(0)
WHOLE: Final = Tenths(1000)

# In the order of a call's life; the first three and `scheduled` are allocations' words, the rest payments'.
CALL_STATUSES: Final = (
    "pending_approval",
    "rejected",
    "withdrawn",
    "scheduled",
    "called",
    "partially_paid",
    "paid",
    "overdue",
    "defaulted",
    "cancelled",
)
FALLEN_AWAY: Final = frozenset({"rejected", "withdrawn", "cancelled"})  # nobody will pay these
PAST_DUE: Final = frozenset({"overdue", "defaulted"})


# --- what events say -------------------------------------------------------------------------------------------------

# Tuples, their members in the order of the columns: thousands are made for a batch, and go to the database as they are.


class Fund(NamedTuple):
    id: int
    name: str
    currency: str
    time_zone: str
    size: Minor
    version: int


class Deal(NamedTuple):
    id: int
    name: str
    stage: str
    version: int


class Allocation(NamedTuple):
    id: int
    fund_id: int
    deal_id: int
    currency: str
    committed: Minor
    planned: Minor
    called: Minor
    funded: Minor
    status: str
    funding_status: str
    occurred_at: datetime
    version: int

    @property
    def uncalled(self) -> Minor:
        return Minor(self.committed - self.called)

    @property
    def outstanding(self) -> Minor:
        return Minor(self.called - self.funded)


class Terms(NamedTuple):
    """A call as allocations plans it; `version` is its terms_version."""

    id: int
    allocation_id: int
    fund_id: int
    deal_id: int
    seq_no: int
    reference: str
    currency: str
    due_date: date
    planned: Minor
    notice_date: date | None
    issued_on: date | None
    priority: str
    stage: str
    occurred_at: datetime
    version: int


class Receivable(NamedTuple):
    """An issued call as payments sees it paid."""

    id: int
    allocation_id: int
    fund_id: int
    deal_id: int
    seq_no: int
    reference: str
    currency: str
    due_date: date
    original: Minor
    released: Minor
    amount: Minor
    paid: Minor
    last_paid_on: date | None
    status: str
    postings: int
    occurred_at: datetime
    version: int


class Hold(NamedTuple):
    id: int
    source: str
    payment_id: str
    kind: str
    amount: Minor
    currency: str
    value_date: date
    fund_id: int | None
    call_id: int | None
    reason: str
    state: str
    resolution: str | None
    occurred_at: datetime
    version: int


class Reserves(NamedTuple):
    """What a fund plans for all of its companies together; `id` is the fund's."""

    id: int
    currency: str
    planned: Minor
    companies: int
    occurred_at: datetime
    version: int


class Snapshot(Protocol):
    """Anything that is known by an id and replaced by its newer versions."""

    @property
    def id(self) -> int: ...
    @property
    def version(self) -> int: ...


S = TypeVar("S", bound=Snapshot)


def newest(snapshots: Iterable[S]) -> list[S]:
    """The newest version of each, in id order: what a batch comes to, whatever its order and its duplicates."""
    best: dict[int, S] = {}
    for snapshot in snapshots:
        seen = best.get(snapshot.id)
        if seen is None or seen.version < snapshot.version:
            best[snapshot.id] = snapshot
    return [best[key] for key in sorted(best)]


# --- figures ---------------------------------------------------------------------------------------------------------


def percent(part: int, whole: int) -> Tenths | None:
    """100·part/whole to one decimal, half up, in tenths of a percent; None where there is no whole."""
    return Tenths((2000 * part + whole) // (2 * whole)) if whole else None


def status_shown(stage: str | None, status: str | None) -> str:
    """The one status word of a call: its receivable's if one was seen, else its stage, where issued shows as called."""
    if status is not None:
        return status
    return "called" if stage == "issued" or stage is None else stage


@dataclass(frozen=True, slots=True)
class Totals:
    """K, P, C and F of a fund, each the sum over its allocations."""

    committed: Minor = ZERO
    planned: Minor = ZERO
    called: Minor = ZERO
    funded: Minor = ZERO

    @property
    def uncalled(self) -> Minor:
        return Minor(self.committed - self.called)

    @property
    def outstanding(self) -> Minor:
        return Minor(self.called - self.funded)

    @property
    def unfunded(self) -> Minor:
        """What is still to come in: `uncalled` of the cash basis."""
        return Minor(self.committed - self.funded)

    @property
    def collection_rate(self) -> Tenths | None:
        """Of what was called, the share that came in; None before anything is called."""
        return percent(self.funded, self.called)

    @property
    def called_pct(self) -> Tenths:
        """Cash basis: of what was committed, the share that came in; zero where nothing is committed."""
        return percent(self.funded, self.committed) or NOTHING


@dataclass(frozen=True, slots=True)
class CallGroup:
    """All calls of one fund in the same stage and receivable status."""

    stage: str | None
    status: str | None
    calls: int
    outstanding: Minor


def count_by_status(groups: Iterable[CallGroup]) -> Mapping[str, int]:
    """How many calls show each status; every status is named, so an answer has the same shape for every fund."""
    counts = dict.fromkeys(CALL_STATUSES, 0)
    for group in groups:
        shown = status_shown(group.stage, group.status)
        counts[shown] = counts.get(shown, 0) + group.calls
    return counts


def overdue_amount(groups: Iterable[CallGroup]) -> Minor:
    """What is outstanding on overdue and defaulted calls."""
    return Minor(sum(g.outstanding for g in groups if status_shown(g.stage, g.status) in PAST_DUE))


@dataclass(frozen=True, slots=True)
class Call:
    """A call as its two writers left it; each half is None until that writer was heard."""

    id: int
    allocation_id: int
    deal_id: int
    seq_no: int
    reference: str
    due_date: date
    stage: str | None
    planned: Minor | None
    receivable_status: str | None
    receivable_amount: Minor | None
    paid: Minor
    last_paid_on: date | None
    deal_name: str | None = None

    @property
    def status(self) -> str:
        return status_shown(self.stage, self.receivable_status)

    @property
    def amount(self) -> Minor:
        """What is asked for: the receivable's amount once issued, until then the planned one."""
        if self.receivable_amount is not None:
            return self.receivable_amount
        return self.planned if self.planned is not None else ZERO

    @property
    def issued(self) -> bool:
        return self.receivable_status is not None or self.stage == "issued"

    @property
    def outstanding(self) -> Minor:
        """What is owed now: nothing on a plan, nothing on a cancelled call."""
        return Minor(self.amount - self.paid) if self.issued and self.status not in FALLEN_AWAY else ZERO

    @property
    def paid_pct(self) -> Tenths:
        """The share that came in, to one decimal, half up; a paid call of zero is wholly paid."""
        share = percent(self.paid, self.amount)
        if share is not None:
            return share
        return WHOLE if self.status == "paid" else NOTHING


def earliest_unpaid(calls: Iterable[Call]) -> date | None:
    """The first due date on which something is still owed."""
    return min((call.due_date for call in calls if call.outstanding > 0), default=None)


def is_late(outstanding: Minor, earliest: date | None, *, today: date) -> bool:
    """Something is owed and its due date has passed by the fund's business date; grace is not looked at."""
    return outstanding > 0 and earliest is not None and earliest < today


# --- how figures are written -----------------------------------------------------------------------------------------


def percent_text(share: Tenths) -> str:
    """A JSON number with one decimal: ``percent_text(Tenths(400))`` is ``40.0``."""
    whole, tenth = divmod(share, 10)
    return f"{whole}.{tenth}"


def number_text(amount: Minor, *, exponent: int) -> str:
    """A JSON number in major units, written from the integer: ``400000`` where it is whole, else ``400000.50``."""
    plain = money.text(amount, exponent=exponent)
    whole, _, decimals = plain.partition(".")
    return plain if decimals.strip("0") else whole
