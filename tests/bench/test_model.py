"""Promises of the model: the rules in one pass, and no answer where the order could decide."""

import json
from typing import Any

import pytest

from bench import model
from bench.model import BookedCall, Expected, NotOrderFree

CALLS = [BookedCall(1, 10, 100, 5, 1, 1_000_00, late=False), BookedCall(2, 10, 100, 5, 2, 500_00, late=True)]


def credit(payment_id: str, amount: str, call_id: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "source": "bank/a",
        "payment_id": payment_id,
        "kind": "credit",
        "amount": amount,
        "currency": "USD",
        "value_date": "2026-03-02",
        "call_id": call_id,
        **more,
    }


def reversal(of: str, amount: str) -> dict[str, Any]:
    return credit(f"{of}-back", amount, kind="reversal", reverses=of)


def run(*entries: dict[str, Any] | bytes) -> Expected:
    values = [entry if isinstance(entry, bytes) else json.dumps(entry).encode() for entry in entries]
    return model.run(((b"k", value) for value in values), CALLS)


def test_totals_add_up_by_call_allocation_and_fund() -> None:
    """What is paid to a call counts once for its allocation and once for its fund."""
    done = run(credit("a", "400.00"), credit("b", "600.00"), credit("c", "500.00", 2))
    assert done.paid_minor == {1: 1_000_00, 2: 500_00}
    assert done.funded_minor == {10: 1_500_00}
    assert done.fund_minor == {100: 1_500_00}
    assert done.total_minor == 1_500_00


def test_what_comes_again_counts_once() -> None:
    """A duplicate changes nothing; a contradiction is one, however often it comes."""
    first, other = credit("a", "400.00"), credit("a", "400.01")
    done = run(first, first, other, other)
    assert (done.booked, done.duplicates, done.conflicts, done.total_minor) == (1, 2, 1, 400_00)


def test_more_than_the_whole_call_is_held() -> None:
    """An over-payment counts nowhere."""
    done = run(credit("a", "1000.01"), credit("b", "1000.00"))
    assert (done.over_payments, done.booked, done.total_minor) == (1, 2, 1_000_00)


@pytest.mark.parametrize("early", [False, True])
def test_a_reversal_takes_back_its_original_in_any_order(early: bool) -> None:
    """Before or behind its original, nothing is left of either."""
    pair = [credit("a", "400.00"), reversal("a", "400.00")]
    done = run(*(reversed(pair) if early else pair))
    assert (done.total_minor, done.reversed, done.waiting_reversals) == (0, 1, 0)


def test_a_reversal_without_its_original_waits() -> None:
    """The head of a file may end between the two."""
    assert run(reversal("a", "400.00")).waiting_reversals == 1


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"source":"bank/a"}',
        json.dumps(credit("a", "1e3")).encode(),
        json.dumps(credit("a", "-1.00")).encode(),
        json.dumps(credit("a", "0.00")).encode(),
        json.dumps(credit("a", "1.00")).encode()[:-3],
    ],
)
def test_what_nobody_can_book_is_a_dead_letter(value: bytes) -> None:
    """It is counted and nothing else."""
    done = run(value)
    assert (done.dead_letters, done.booked, done.total_minor) == (1, 0, 0)


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([credit("a", "600.00"), credit("b", "600.00")], id="the call is over-subscribed"),
        pytest.param([credit("a", "400.00"), reversal("a", "399.00")], id="taken back in part"),
        pytest.param([reversal("a", "399.00"), credit("a", "400.00")], id="taken back in part, before"),
        pytest.param([credit("a", "1000.01"), reversal("a", "1000.01")], id="what was held is taken back"),
        pytest.param(
            [credit("a", "1.00"), reversal("a", "1.00"), {**reversal("a", "1.00"), "payment_id": "x"}], id="taken twice"
        ),
    ],
)
def test_where_order_could_decide_there_is_no_answer(entries: list[dict[str, Any]]) -> None:
    """A file that breaks a promise of the workload is refused, never answered."""
    with pytest.raises(NotOrderFree):
        run(*entries)


def test_an_answer_survives_its_file() -> None:
    """Ids are numbers again when it is read."""
    done = run(credit("a", "400.00"))
    assert Expected.from_json(json.loads(json.dumps(done.to_json()))) == done
