"""Promises of what the service says, byte for byte."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.allocations.domain import Cause, Status
from services.allocations.handlers.views import allocation_snapshot, allocation_status_changed
from shared.contracts import AllocationStatusChanged, decode, encode
from shared.ids import AllocationId, DealId, FundId
from shared.money import Minor
from tests.allocations.facts import allocation

AMOUNTS = st.lists(st.integers(0, 10**15 - 1), min_size=4, max_size=4).map(sorted)
IDS = st.integers(1, 2**63 - 1)


@given(
    amounts=AMOUNTS,
    ids=st.tuples(IDS, IDS, IDS),
    code=st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
    fresh=st.booleans(),
    was=st.none() | st.sampled_from(Status),
    cause=st.sampled_from(Cause),
    moment=st.datetimes(datetime(1900, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  (hypothesis adds it)
    version=st.integers(1, 2**31 - 1),
)
def test_an_allocation_is_written_as_its_contract_writes_it(
    amounts: list[int],
    ids: tuple[int, int, int],
    code: str,
    fresh: bool,
    was: Status | None,
    cause: Cause,
    moment: datetime,
    version: int,
) -> None:
    """The event that is written out by hand is the one that the contract's serializer would write, and can be read."""
    funded, called, planned, committed = map(Minor, amounts)
    one = replace(
        allocation(),
        id=AllocationId(ids[0]),
        fund_id=FundId(ids[1]),
        deal_id=DealId(ids[2]),
        currency=code,
        committed=committed,
        planned=planned,
        called=called,
        funded=funded,
        fresh=fresh,
        previous_status=was,
        cause=cause,
        changed_at=moment,
        version=version,
    )
    event = allocation_status_changed(one)
    assert event.data == encode(allocation_snapshot(one))
    assert isinstance(event.data, bytes)
    assert decode(AllocationStatusChanged, event.data).version == version
