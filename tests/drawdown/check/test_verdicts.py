"""Promises of what a check says: nothing is left out, nothing unasked is called proved."""

from drawdown.check.command import replayed
from drawdown.check.verdicts import PROMISES, SHOWN, Finding, Offender, as_json, finding, verdicts


def test_all_offenders_are_counted_and_the_first_are_named() -> None:
    """However many rows break an invariant, the count is exact and the list stays readable."""
    one = finding("I4", "sums", 500, [Offender(str(n), "is wrong") for n in range(37)])
    assert (one.found, len(one.offenders)) == (37, SHOWN)


def test_verdicts_come_in_the_order_of_the_specification() -> None:
    """Findings are gathered by invariant: one broken finding breaks it, others keep their counts."""
    found = verdicts(
        [Finding("I10", "holds", 1), Finding("I2", "a", 3), Finding("I2", "b", 4, 1, (Offender("9", "x"),))]
    )
    assert [(one.invariant, one.word, one.rows, one.found) for one in found] == [
        ("I2", "broken", 7, 1),
        ("I10", "holds", 1, 0),
    ]


def test_what_could_not_be_asked_does_not_hold() -> None:
    """An invariant of which nothing could be checked says so, instead of passing."""
    [one] = verdicts([Finding("I3", "bookings", 0, not_checked="the topic was cut")])
    assert one.word == "not checked"
    assert one.not_checked == ["bookings: the topic was cut"]


def test_json_says_whether_everything_holds() -> None:
    """Programs read one flag, and find each offender below it."""
    good = as_json(verdicts([Finding("I1", "a", 3)]))
    bad = as_json(verdicts([Finding("I1", "a", 3, 1, (Offender("7", "lost"),))]))
    assert good["holds"] is True
    assert bad["holds"] is False
    [invariant] = bad["invariants"]
    assert invariant["questions"][0]["first"] == [{"id": "7", "says": "lost"}]


def test_every_invariant_has_its_promise() -> None:
    """The table shows in words what each number stands for."""
    assert list(PROMISES) == [*(f"I{n}" for n in range(1, 12)), "I13"]


def test_a_replay_is_equal_different_or_impossible() -> None:
    """I11 holds on exit code 0, is broken on a difference, and is not checked where the log is gone."""
    asked = Finding("I11", "replay", 0)
    equal = replayed(asked, 0, "metrics: equal, byte for byte: 1,204 rows live, 3,000 records replayed", "")
    other = replayed(
        asked, 1, "metrics: live tables and replay differ: 7 rows live; the first rows that differ:\ncall 7", ""
    )
    gone = replayed(asked, 1, "metrics: cannot be replayed: payment.held begins at offset 4", "")
    assert (equal.found, equal.rows) == (0, 1204)
    assert (other.found, other.offenders[0].id) == (1, "metrics")
    assert gone.not_checked
    assert not gone.found
