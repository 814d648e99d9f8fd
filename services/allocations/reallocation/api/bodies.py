"""What people may ask for, in whole minor units of the fund's currency."""

from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.allocations.api.bodies import Percent
from services.allocations.reallocation.domain import (
    COMPANIES_MAX,
    LARGEST_MINOR,
    Basis,
    Commit,
    NewReserve,
    Proposal,
    Proposed,
    Share,
    Template,
    Unsaid,
)
from shared import money
from shared.http import FROM_JSON, Body, Id, Moment, Text
from shared.ids import DealId, FundId
from shared.money import Minor

One = TypeVar("One", bound=Body)

FUNDS_MAX: Final = 50  # of one commit

Cents = Annotated[int, Field(ge=0, le=LARGEST_MINOR, description="minor units of the fund's currency"), FROM_JSON]
Version = Annotated[int, Field(ge=0, le=2**31 - 1), FROM_JSON]


def _once(member: str) -> AfterValidator:
    """A list in which no two bodies have the same id as that member."""

    def check(bodies: list[One]) -> list[One]:
        seen: set[int] = set()
        for body in bodies:
            one = getattr(body, member)
            if one in seen:
                what = member.removesuffix("_id")
                raise PydanticCustomError("twice", "{what} {id} is there twice", {"what": what, "id": one})
            seen.add(one)
        return bodies

    return AfterValidator(check)


Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
TemplateName = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]


class ProposedIn(Body):
    """What one company is to have; a cap given here counts for this request only, over the stored one."""

    company_id: Id
    planned_reserves_cents: Cents
    allocation_cap_cents: Cents | None = None

    def read(self) -> Proposed:
        """The same in the words of the rules."""
        cap = None if self.allocation_cap_cents is None else Minor(self.allocation_cap_cents)
        return Proposed(DealId(self.company_id), Minor(self.planned_reserves_cents), cap)


class PreviewIn(Body):
    """New reserves for some companies of a fund; the others stay as they are."""

    current_version: Annotated[Version, Field(description="of the reserves that this was made for")]
    proposed_allocations: Annotated[
        list[ProposedIn], Field(min_length=1, max_length=COMPANIES_MAX), _once("company_id")
    ]

    def proposal(self, fund_id: int) -> Proposal:
        """The proposal, in the order of companies' ids."""
        proposed = sorted(self.proposed_allocations, key=lambda one: one.company_id)
        return Proposal(FundId(fund_id), self.current_version, [one.read() for one in proposed])


class CommitIn(PreviewIn):
    """The same to be done; with a digest, only if it comes to just what the preview of that digest showed."""

    reason: Text | None = None
    user_id: Id | None = Field(None, description="who decided it, kept as claimed")
    digest: Digest | None = None

    def read(self, fund_id: int) -> Commit:
        """The same in the words of the rules."""
        return Commit(self.proposal(fund_id), self.digest, self.reason, self.user_id)


class FundCommitIn(CommitIn):
    """One fund's part of a commit of several."""

    fund_id: Id


FundCommits = Annotated[list[FundCommitIn], Field(min_length=1, max_length=FUNDS_MAX), _once("fund_id")]


class CommitsIn(Body):
    """Commits of several funds: all of them are done, or none."""

    commits: FundCommits


class ScheduleIn(CommitsIn):
    """The same, at a time to come."""

    run_at: Moment


class ReserveIn(Body):
    """What a company is to have; a cap of null takes the cap away, and what is left out stays as it is."""

    company_id: Id
    planned_reserves_cents: Annotated[Cents | None, Field(description="0 for a company that is new, if left out")] = (
        None
    )
    allocation_cap_cents: Cents | None = None

    def read(self) -> NewReserve:
        """The same in the words of the rules."""
        said = "allocation_cap_cents" in self.model_fields_set
        planned, cap = self.planned_reserves_cents, self.allocation_cap_cents
        return NewReserve(
            DealId(self.company_id),
            Unsaid.UNSAID if planned is None else Minor(planned),
            (None if cap is None else Minor(cap)) if said else Unsaid.UNSAID,
        )


class ReservesIn(Body):
    """What companies are to have and may have; the version is needed once a fund has reserves."""

    reserves: Annotated[list[ReserveIn], Field(min_length=1, max_length=COMPANIES_MAX), _once("company_id")]
    current_version: Version | None = None
    reason: Text | None = None


class PercentIn(Body):
    """One company's part in percent."""

    company_id: Id
    percent: Percent


class AmountIn(Body):
    """One company's part as an amount, which counts in proportion to the others'."""

    company_id: Id
    amount_cents: Cents


class PercentTemplateIn(Body):
    """How to spread what these companies have among them, in percents that sum to 100."""

    name: TemplateName
    basis: Literal["percent"]
    shares: Annotated[list[PercentIn], Field(min_length=1, max_length=COMPANIES_MAX), _once("company_id")]

    def read(self) -> Template:
        """The same in the words of the rules."""
        shares = sorted(self.shares, key=lambda one: one.company_id)
        weights = [Share(DealId(one.company_id), money.parse(one.percent, exponent=4)) for one in shares]
        return Template(self.name, Basis.PERCENT, weights)


class AmountTemplateIn(Body):
    """How to spread what these companies have among them, in proportion to amounts."""

    name: TemplateName
    basis: Literal["amount"]
    shares: Annotated[list[AmountIn], Field(min_length=1, max_length=COMPANIES_MAX), _once("company_id")]

    def read(self) -> Template:
        """The same in the words of the rules."""
        shares = sorted(self.shares, key=lambda one: one.company_id)
        return Template(self.name, Basis.AMOUNT, [Share(DealId(one.company_id), one.amount_cents) for one in shares])


TemplateIn = Annotated[PercentTemplateIn | AmountTemplateIn, Field(discriminator="basis")]
