"""Promises of the allocation's lifecycle."""

from dataclasses import replace
from itertools import product

import pytest

from services.allocations.domain import (
    Cause,
    FundingStatus,
    Status,
    advance,
    fold,
    moved,
    over_commitment,
    spread,
    status_of,
    unfit_commitment,
)
from services.allocations.domain.schedule import Custom, Tranche
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.facts import DUE, NOW, Book, K, allocation, report


def test_the_required_walk() -> None:
    """Commit, call 40 %, pay it, call the rest, pay it: each state and amount as the playbook demands."""
    book = Book()
    assert (book.status(), book.allocation.uncalled) == (Status.COMMITTED, K)
    first = book.issue(400_000_00)
    assert book.status() == Status.PARTIALLY_CALLED
    assert (book.allocation.called, book.allocation.uncalled) == (400_000_00, 600_000_00)
    book.pay(first, 400_000_00)
    assert (book.status(), book.allocation.outstanding) == (Status.PARTIALLY_FUNDED, 0)
    second = book.issue(600_000_00)
    assert (book.status(), book.allocation.called) == (Status.CALLED, K)
    book.pay(second, 600_000_00)
    assert (book.status(), book.allocation.outstanding, book.allocation.uncalled) == (Status.FUNDED, 0, 0)
    assert book.allocation.version == 5


def test_walk_two() -> None:
    """Tranches of 0 %, 50 % and 50 % and two payments: partially paid, then funded, nothing outstanding."""
    pieces = spread(Custom([Tranche(DUE, share=s) for s in (0, 500_000, 500_000)]), K)
    assert not isinstance(pieces, Refused)
    book = Book()
    nothing, half, rest = [book.issue(amount) for amount, _ in pieces]
    assert book.allocation.version == 3, "a call of zero changes neither amounts nor state"
    assert book.status() == Status.CALLED
    book.hear(report(nothing, 1))
    assert book.calls[nothing.id].receivable.status == "paid"
    book.pay(half, 500_000_00)
    assert book.funding_status() == FundingStatus.PARTIALLY_PAID
    book.pay(rest, 500_000_00)
    assert book.funding_status() == FundingStatus.FUNDED
    assert book.allocation.outstanding == 0


@pytest.mark.parametrize(
    ("called", "funded", "fresh", "status"),
    [
        (0, 0, True, Status.COMMITTED),
        (4, 4, True, Status.FUNDED),
        (4, 2, False, Status.PARTIALLY_FUNDED),
        (2, 2, False, Status.PARTIALLY_FUNDED),
        (4, 2, True, Status.CALLED),
        (4, 0, False, Status.CALLED),
        (2, 1, True, Status.PARTIALLY_CALLED),
        (2, 0, False, Status.PARTIALLY_CALLED),
    ],
)
def test_the_first_line_that_holds_decides(called: int, funded: int, fresh: bool, status: Status) -> None:
    """The state follows from three amounts and the flag alone, in the order of the table."""
    assert status_of(committed=4, called=called, funded=funded, fresh=fresh) is status


def test_every_amount_has_exactly_one_state() -> None:
    """No combination of amounts is without a state, and only F = K is ever called funded."""
    for called, funded, fresh in product(range(5), range(5), (False, True)):
        if funded <= called:
            status = status_of(committed=4, called=called, funded=funded, fresh=fresh)
            assert (status == Status.FUNDED) is (funded == 4)
            assert (status == Status.COMMITTED) is (called == 0)


def test_nothing_is_planned_beyond_the_commitment() -> None:
    """The refusal is a value that names the amount still free; what fits exactly is taken."""
    full = moved(allocation(), planned_by=K - 1, called_by=0)
    assert over_commitment(full, 1) is None
    refused = over_commitment(full, 2)
    assert refused is not None
    assert (refused.code, refused.facts["free"]) == ("over_commitment", "0.01")
    assert "0.02 USD is more than the 0.01 USD still free" in refused.detail


@pytest.mark.parametrize(("committed", "code", "fits"), [
    (1, "USD", True),
    (0, "USD", False),
    (10**15, "USD", True),
    (10**15 + 1, "USD", False),
    (10**13, "JPY", True),
    (10**13 + 1, "JPY", False),
    (10**16, "KWD", True),
])  # fmt: skip
def test_a_commitment_has_bounds(committed: int, code: str, fits: bool) -> None:
    """A commitment is above zero and at most ten trillion major units, whatever the currency's decimals."""
    assert (unfit_commitment(committed, code) is None) is fits


def test_amounts_never_leave_their_order() -> None:
    """An allocation with F > C, C > P or P > K cannot even be written down."""
    good = replace(allocation(), planned=Minor(3), called=Minor(2), funded=Minor(1))
    for member, amount in (("funded", 3), ("called", 4), ("planned", K + 1), ("funded", -1)):
        with pytest.raises(AssertionError):
            replace(good, **{member: Minor(amount)})  # type: ignore[arg-type]  # a member by its name


def test_an_empty_step_is_no_version() -> None:
    """Where nothing changed the allocation is the very same, so nothing is saved and nothing is said."""
    before = allocation()
    assert advance(before, fold(before), now=NOW) is before
    assert advance(before, moved(before, planned_by=0, called_by=0), now=NOW) is before


def test_each_cause_has_its_name() -> None:
    """The event is named for the first that is true: F rose, F fell, C fell, a payment came and went."""
    paid = replace(allocation(), planned=Minor(9), called=Minor(6), funded=Minor(4), fresh=True)
    causes = {
        Cause.PAYMENT_RECEIVED: fold(paid, called_by=-1, funded_by=1, new_postings=1),
        Cause.PAYMENT_REVERSED: fold(paid, called_by=-1, funded_by=-1, new_postings=1),
        Cause.CALL_CANCELLED: fold(paid, called_by=-1, new_postings=2),
        Cause.CREATE_CALL: moved(paid, planned_by=1, called_by=1),
        Cause.CALL_PLANNED: moved(paid, planned_by=1, called_by=0),
        Cause.CALL_WITHDRAWN: moved(paid, planned_by=-1, called_by=0),
    }
    assert {cause: advance(paid, after, now=NOW).cause for cause, after in causes.items()} == {c: c for c in causes}
    came_and_went = advance(paid, fold(paid, new_postings=2), now=NOW)
    assert came_and_went.cause is Cause.PAYMENT_RECEIVED
    assert (came_and_went.previous_status, came_and_went.status) == (Status.PARTIALLY_CALLED, Status.PARTIALLY_FUNDED)


def test_funding_status_is_the_coarse_view() -> None:
    """F = 0 committed, less than K partially paid, all of it funded, whatever is called."""
    called = moved(allocation(), planned_by=K, called_by=K)
    seen = [fold(called, funded_by=paid, new_postings=1).funding_status for paid in (0, 1, K)]
    assert seen == [FundingStatus.COMMITTED, FundingStatus.PARTIALLY_PAID, FundingStatus.FUNDED]
