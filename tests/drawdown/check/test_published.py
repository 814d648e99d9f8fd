"""Promises of reading the topics: what is gathered is what was said, and a contradiction is never overlooked."""

import orjson
import pytest

from drawdown.check import compare
from drawdown.check.published import Content, Figures, Published, Story, checksum, minor, read_identity, read_payment
from drawdown.check.topics import Record

GOOD = {
    "source": "bank/acme-usd-1",
    "payment_id": "8812",
    "kind": "credit",
    "amount": "400000.00",
    "currency": "USD",
    "value_date": "2026-03-02",
}


def record(topic: str, data: object, *, event_id: str | None = "e1", offset: int = 0) -> Record:
    headers = {} if event_id is None else {"ce_id": event_id.encode()}
    return Record(topic, 0, offset, headers, orjson.dumps(data))


def call(version: int, status: str, before: str | None, **more: object) -> dict[str, object]:
    return {"call_id": 17, "version": version, "status": status, "previous_status": before, **more}


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [("400000.00", "USD", 40_000_000), ("400000", "USD", 40_000_000), (7, "KWD", 7_000), ("12", "JPY", 12)],
)
def test_amounts_are_read_in_minor_units(amount: str | int, currency: str, expected: int) -> None:
    """Text and whole numbers of major units come to the same minor units, by ISO 4217's decimals."""
    assert minor(amount, currency) == expected


@pytest.mark.parametrize(("amount", "currency"), [("1.001", "USD"), ("0.5", "JPY"), ("1", "XXX"), ("x", "USD")])
def test_amounts_that_do_not_fit_are_refused(amount: str, currency: str) -> None:
    """What is no whole number of minor units is never rounded."""
    assert read_payment(record("payment.received", {**GOOD, "amount": amount, "currency": currency})) is None


def test_a_payment_is_read_bare_and_wrapped() -> None:
    """Bare JSON and CloudEvents' structured mode name the same payment."""
    bare = read_payment(record("payment.received", GOOD))
    wrapped = read_payment(record("payment.received", {"specversion": "1.0", "id": "x", "data": GOOD}))
    assert bare == wrapped
    assert bare is not None
    assert bare.identity == ("bank/acme-usd-1", "8812")
    assert bare.content == Content("credit", 40_000_000, "USD", "2026-03-02")


@pytest.mark.parametrize("value", [b"\xff", b"[]", b"17", b"null", b'{"source": "s"}', b""])
def test_garbage_names_no_payment(value: bytes) -> None:
    """What cannot be read has to be a dead letter; it never stops the reading."""
    published = Published()
    published.hear([Record("payment.received", 3, 14, {}, value)])
    assert published.unreadable == [(3, 14)]
    assert read_identity(value) is None


def test_an_identity_is_known_of_a_wrong_payment() -> None:
    """A payment that is wrong in its amount still says whose it is."""
    assert read_identity(orjson.dumps({**GOOD, "amount": "NaN"})) == ("bank/acme-usd-1", "8812")


def test_the_same_version_twice_is_nothing() -> None:
    """An event that was published twice is one event."""
    published = Published()
    event = record("call.status_changed", call(1, "called", None))
    published.hear([event, event])
    assert published.stories["call.status_changed"].contradictions == []
    assert published.event_ids["call.status_changed"] == {"e1"}
    assert published.records["call.status_changed"] == 2


def test_one_version_with_two_contents_is_found() -> None:
    """Two events that claim one version and say different things contradict each other."""
    published = Published()
    published.hear(
        [
            record("call.status_changed", call(1, "called", None)),
            record("call.status_changed", call(1, "paid", None), event_id="e2"),
        ]
    )
    assert published.stories["call.status_changed"].contradictions == [
        (17, "version 1 was published with two contents")
    ]


def test_a_step_from_elsewhere_is_found() -> None:
    """A version that names another past than its predecessor's state breaks I7."""
    story = Story()
    for event in (call(1, "called", None), call(2, "paid", "called"), call(3, "overdue", "partially_paid")):
        story.hear("call.status_changed", event, orjson.dumps(event))
    finding = compare.steps("call.status_changed", story)
    assert (finding.invariant, finding.rows, finding.found) == ("I7", 3, 1)
    assert finding.offenders[0].says == "version 3 was partially_paid before, version 2 is paid"


def test_postings_are_gathered_once() -> None:
    """A posting that two versions repeat counts once, with its call and amount."""
    published = Published()
    applied = [{"posting_id": 88, "kind": "applied", "amount": "1.00"}]
    published.hear([record("call.status_changed", call(2, "paid", "called", applied=applied))] * 2)
    assert published.postings == {88: (17, "applied", "1.00")}


RESERVES = {
    "fund_id": 1,
    "kind": "reallocation",
    "audit_id": "0199d2c4-7a10-7c55-8d1f-3b6a9f0e4c21",
    "currency": "KWD",
    "baseline_version": 3,
    "version": 4,
    "total_before": "9.000",
    "total_after": "9.500",
    "companies": 12,
    "changes": [{"company_id": 9, "before": "1.500", "after": "2.000"}],
    "reason": None,
    "user_id": 3,
}


def test_figures_of_reserves_are_gathered_in_minor_units() -> None:
    """Each version of a fund's reserves is kept by its totals and a checksum of its changes; a duplicate is nothing."""
    published = Published()
    published.hear([record("reserve.reallocated", RESERVES)] * 2)
    assert published.reserves == {
        (1, 4): Figures(
            audit_id="0199d2c4-7a10-7c55-8d1f-3b6a9f0e4c21",
            kind="reallocation",
            currency="KWD",
            baseline_version=3,
            total_before=9_000,
            total_after=9_500,
            companies=12,
            changes=checksum([(9, 1_500, 2_000)]),
            reason=None,
            user_id=3,
        )
    }
    assert published.stories["reserve.reallocated"].contradictions == []


@pytest.mark.parametrize("total", ["1.0001", "x", None])
def test_reserves_with_an_amount_that_is_none_are_strangers(total: object) -> None:
    """What cannot be read in minor units is none of ours, and never a figure."""
    published = Published()
    published.hear([record("reserve.reallocated", {**RESERVES, "total_after": total})])
    assert [place for place, _ in published.strangers] == ["reserve.reallocated/0@0"]
    assert published.reserves == {}


def test_the_order_of_changes_is_a_part_of_them() -> None:
    """The same moves of other companies, or in another order, are other changes."""
    sums = {checksum(told) for told in ([(1, 2, 3), (2, 3, 4)], [(2, 3, 4), (1, 2, 3)], [(1, 2, 3)], [(2, 2, 3)])}
    assert len(sums) == 4


def test_strangers_on_our_topics_are_found() -> None:
    """A record without an event id, or one that cannot be read, is not one of ours."""
    published = Published()
    published.hear([record("fund.changed", {}, event_id=None), record("fund.changed", {"id": 1})])
    assert [place for place, _ in published.strangers] == ["fund.changed/0@0", "fund.changed/0@0"]
