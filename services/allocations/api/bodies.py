"""What people may ask for: each body refuses what it cannot read exactly, and names the place."""

from datetime import date
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.allocations.domain import Cadence, Custom, Regular, Schedule, Single, Stage, Tranche
from services.allocations.domain.deal import LARGEST_SIZE_MINOR
from services.allocations.domain.schedule import EARLIEST, LATEST, MOST_CALLS
from shared import currency, money
from shared.currency import UnknownCurrency
from shared.http import FROM_JSON, Body, Day, Id, MajorAmount, PositiveAmount, Text, naming
from shared.http.problems import wrong_value
from shared.money import Minor

_ZONES: Final = frozenset(available_timezones())


def _known_currency(code: str) -> str:
    try:
        currency.exponent(code)
    except UnknownCurrency:
        raise PydanticCustomError("unknown_currency", "must be an ISO 4217 code such as USD") from None
    return code


def _known_zone(name: str) -> str:
    if name not in _ZONES:
        raise PydanticCustomError("unknown_time_zone", "must be an IANA time zone such as America/New_York")
    return name


def _sensible(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise PydanticCustomError("not_a_due_date", f"must be between {EARLIEST} and {LATEST}")
    return day


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "must not be blank")
    return text


DueDate = Annotated[Day, AfterValidator(_sensible)]
Named = Annotated[Text, AfterValidator(_not_blank)]
Percent = Annotated[
    str,
    StringConstraints(pattern=r"^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)$"),
    Field(examples=["33.3333"], description="0 to 100 with up to four decimals, as a string"),
]


class NewFund(Body):
    """A vehicle that commits money."""

    name: Named
    currency: Annotated[
        str, StringConstraints(pattern=r"^[A-Z]{3}$"), AfterValidator(_known_currency), Field(examples=["USD"])
    ]
    time_zone: Annotated[
        str, StringConstraints(max_length=64), AfterValidator(_known_zone), Field(examples=["America/New_York"])
    ]
    size: PositiveAmount

    def read_size(self) -> Minor:
        """The size in minor units of the fund's currency."""
        with naming("size"):
            size = currency.parse(self.size, self.currency)
        if size > LARGEST_SIZE_MINOR:
            most = currency.text(LARGEST_SIZE_MINOR, self.currency)
            raise wrong_value(("body", "size"), f"must be at most {most}", code="invalid_size")
        return size


class NewDeal(Body):
    """A company or asset that receives money."""

    name: Named


class SingleSchedule(Body):
    """The whole commitment at once."""

    cadence: Literal["single"]
    due_date: DueDate

    def read(self, _code: str) -> Schedule:
        """The schedule itself."""
        return Single(self.due_date)


class RegularSchedule(Body):
    """The whole commitment in equal calls; months are counted from the first date."""

    cadence: Literal["monthly", "quarterly", "semi_annual", "annual"]
    first_due_date: DueDate
    count: Annotated[int, Field(ge=1, le=MOST_CALLS), FROM_JSON]

    def read(self, _code: str) -> Schedule:
        """The schedule itself."""
        return Regular(Cadence(self.cadence), self.first_due_date, self.count)


class NewTranche(Body):
    """One planned piece: a percent of the commitment, or an amount."""

    due_date: DueDate
    percent: Percent | None = None
    amount: MajorAmount | None = None

    def read(self, code: str, place: int) -> Tranche:
        """The tranche in minor units of `code`."""
        share = None if self.percent is None else money.parse(self.percent, exponent=4)
        if self.amount is None:
            return Tranche(self.due_date, share=share)
        with naming("schedule", "tranches", place, "amount"):
            return Tranche(self.due_date, share=share, amount=currency.parse(self.amount, code))


class CustomSchedule(Body):
    """Pieces as written: all percents, or all amounts; what no tranche calls stays uncalled."""

    cadence: Literal["custom"]
    tranches: Annotated[list[NewTranche], Field(min_length=1, max_length=MOST_CALLS)]

    def read(self, code: str) -> Schedule:
        """The schedule with its amounts in minor units of `code`."""
        return Custom([tranche.read(code, place) for place, tranche in enumerate(self.tranches)])


NewSchedule = Annotated[SingleSchedule | RegularSchedule | CustomSchedule, Field(discriminator="cadence")]


class NewAllocation(Body):
    """What a fund commits to a deal; without a schedule no call is made."""

    fund_id: Id
    deal_id: Id
    committed: PositiveAmount
    schedule: NewSchedule | None = None

    def read_committed(self, code: str) -> Minor:
        """The commitment in minor units of `code`."""
        with naming("committed"):
            return currency.parse(self.committed, code)


class NewCall(Body):
    """A demand for part of a commitment: now, on its notice date, or once it is approved."""

    amount: PositiveAmount
    due_date: DueDate
    issue: Literal["now", "on_notice_date", "after_approval"] = "now"

    @property
    def stage(self) -> Stage:
        """The first stage of such a call."""
        return _STAGES[self.issue]


_STAGES: Final = {
    "now": Stage.ISSUED,
    "on_notice_date": Stage.SCHEDULED,
    "after_approval": Stage.PENDING_APPROVAL,
}
