"""Promises of what the text formats share: amounts, days and references are exact, or refused with their line."""

from datetime import date

import pytest

from services.payments.feeds.fields import choose_reference, lines_of, own_reference, read_amount, read_day
from services.payments.feeds.model import BadFile
from shared.reference import reference_of


@pytest.mark.parametrize(
    ("text", "code", "mark", "grouping", "minor"),
    [
        ("400000.00", "USD", ".", "", 40_000_000),
        ("400000", "USD", ".", "", 40_000_000),
        ("0.5", "USD", ".", "", 50),
        ("8850,0000", "EUR", ",", "", 885_000),
        ("1.234.567,89", "EUR", ",", ".", 123_456_789),
        ("1234567,89", "EUR", ",", ".", 123_456_789),
        ("1'234.50", "CHF", ".", "'", 123_450),
        ("1.234", "EUR", ",", ".", 123_400),
        ("50000000,00", "JPY", ",", "", 50_000_000),
        ("1.234", "KWD", ".", "", 1_234),
    ],
)
def test_an_amount_is_exact(text: str, code: str, mark: str, grouping: str, minor: int) -> None:
    """Any decimal mark, groups of three or none, and zeros beyond the currency's decimals."""
    assert read_amount(text, code, 7, mark=mark, grouping=grouping) == minor


@pytest.mark.parametrize(
    ("text", "code", "mark", "grouping"),
    [
        ("", "USD", ".", ""),
        ("1,5", "USD", ".", ""),
        ("1.", "USD", ".", ""),
        (".5", "USD", ".", ""),
        ("-1.00", "USD", ".", ""),
        ("+1.00", "USD", ".", ""),
        ("1 000.00", "USD", ".", ""),
        ("1e3", "USD", ".", ""),
        ("1_000", "USD", ".", ""),
        ("٤٠٠", "USD", ".", ""),
        ("1.005", "USD", ".", ""),
        ("0.5", "JPY", ".", ""),
        ("12.34.567,00", "EUR", ",", "."),
        ("1.2345,00", "EUR", ",", "."),
        (".123,00", "EUR", ",", "."),
        ("9999999999999999.00", "USD", ".", ""),
        ("1.00", "XXX", ".", ""),
        ("1.00", "usd", ".", ""),
    ],
)
def test_what_is_no_amount_is_refused_with_its_line(text: str, code: str, mark: str, grouping: str) -> None:
    """Signs, other digits, ragged groups, decimals that would need rounding, currencies that there are not."""
    with pytest.raises(BadFile) as refused:
        read_amount(text, code, 7, mark=mark, grouping=grouping)
    assert refused.value.line == 7


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("260302", date(2026, 3, 2)),
        ("20260302", date(2026, 3, 2)),
        ("240229", date(2024, 2, 29)),
        ("791231", date(2079, 12, 31)),
        ("800101", date(1980, 1, 1)),
    ],
)
def test_a_day_is_one_of_the_calendar(digits: str, day: date) -> None:
    """With the century or without; from 80 on it is the last one."""
    assert read_day(digits, 7) == day


@pytest.mark.parametrize("digits", ["260230", "250229", "261301", "260100", "26032", "2026-3-2", "", "２６０３０２"])
def test_what_is_no_day_is_refused_with_its_line(digits: str) -> None:
    """30 February is not moved to the 28th, and nothing else is guessed."""
    with pytest.raises(BadFile, match="is not a date") as refused:
        read_day(digits, 7)
    assert refused.value.line == 7


def test_lines_end_where_lines_end() -> None:
    """CR LF, LF and CR, and no other character that some programs break lines at."""
    assert lines_of("a\r\nb\rc\nd\u2028e\x0bf\x85g\n") == ["a", "b", "c", "d\u2028e\x0bf\x85g"]


@pytest.mark.parametrize("text", [None, "", "  ", "NONREF", "nonref", "NOT PROVIDED", "-", "0"])
def test_a_placeholder_is_no_reference(text: str | None) -> None:
    """What banks write where they have nothing to say says nothing."""
    assert own_reference(text, 7) is None


def test_a_reference_is_cleaned_and_never_cut() -> None:
    """Two references that differ only behind the limit must not become one."""
    assert own_reference("  A\t1  ", 7) == "A 1"
    assert own_reference("R" * 140, 7) == "R" * 140
    with pytest.raises(BadFile, match="longer than the 140"):
        own_reference("R" * 141, 7, "the bank's reference")


OURS, OTHER = reference_of(17), reference_of(18)


@pytest.mark.parametrize(
    ("given", "free", "expected"),
    [
        ([None, "E-1"], ["text"], ("E-1", "text")),
        (["E-1", OURS], ["text"], (OURS, "text")),
        ([OURS, OTHER], ["text"], (OURS, f"text {OTHER}")),
        (["R" * 65], ["text"], (None, "R" * 65 + " text")),
        ([None], [None, " a  b ", None], (None, "a b")),
        ([], [], (None, None)),
    ],
)
def test_a_reference_of_ours_wins(
    given: list[str | None], free: list[str | None], expected: tuple[str | None, str | None]
) -> None:
    """Whatever else the bank gives; a second one of ours stays in the text, so that the contradiction is seen."""
    assert choose_reference(given, free) == expected
