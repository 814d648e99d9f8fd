"""Funds and deals: who promises, and who receives; a deal's stage follows from its allocations."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.ids import DealId, FundId
from shared.money import Minor

LARGEST_SIZE_MINOR: Final = 10**18  # of a fund: what a bigint holds, in every currency


@dataclass(frozen=True, slots=True)
class Fund:
    """The vehicle that commits money; `size` in minor units of its one currency, `time_zone` an IANA name."""

    id: FundId
    name: str
    currency: str
    time_zone: str
    size: Minor
    changed_at: datetime
    version: int = 1


class DealStage(StrEnum):
    """How far a deal has come."""

    PROSPECT = "prospect"
    COMMITTED = "committed"
    FUNDED = "funded"


@dataclass(frozen=True, slots=True)
class Deal:
    """The company or asset that receives money."""

    id: DealId
    name: str
    changed_at: datetime
    stage: DealStage = DealStage.PROSPECT
    version: int = 1


def stage_of(*, allocated: bool, unfunded: bool) -> DealStage:
    """`allocated`: somebody has committed to it. `unfunded`: some commitment to it is not funded yet."""
    if not allocated:
        return DealStage.PROSPECT
    return DealStage.COMMITTED if unfunded else DealStage.FUNDED


def restage(deal: Deal, stage: DealStage, *, now: datetime) -> Deal:
    """The deal in its stage: its next version, or itself where it was there."""
    if stage is deal.stage:
        return deal
    return replace(deal, stage=stage, changed_at=now, version=deal.version + 1)
