"""E. Time: days and instants. A day is a day of the calendar; an instant names its offset; any of them may be odd."""

from typing import Any, Final

from tests.corpus.cases import BAD_DATE, BAD_TIME, Applied, Case, Dead, case, dead, entry

_TAKEN: Final = Applied("100.00")


def day(id: str, value_date: Any, verdict: Dead | Applied = BAD_DATE) -> Case:
    """A value date; where it is taken it is shown again as it was written."""
    shows = {"value_date": value_date} if verdict is _TAKEN else None
    return case(id, entry(value_date=value_date), verdict, shows=shows)


def instant(id: str, booked_at: Any, verdict: Dead | Applied = BAD_TIME, shown: str | None = None) -> Case:
    """A time of booking; where it is taken it is shown in UTC."""
    shows = {"booked_at": shown} if verdict is _TAKEN else None
    return case(id, entry(booked_at=booked_at), verdict, shows=shows)


CASES: Final = [
    # Days that are none
    day("29-february-of-a-common-year", "2026-02-29"),
    day("30-february", "2024-02-30"),
    day("31-april", "2026-04-31"),
    day("month-13", "2026-13-01"),
    day("month-0", "2026-00-10"),
    day("day-0", "2026-03-00"),
    day("year-0", "0000-03-02"),
    day("year-10000", "10000-01-01"),
    day("two-digit-year", "26-03-02"),
    day("negative-year", "-2026-03-02"),
    # Days written another way
    day("one-digit-month", "2026-3-2"),
    day("basic-format", "20260302"),
    day("week-date", "2026-W10-1"),
    day("ordinal-date", "2026-061"),
    day("american", "03/02/2026"),
    day("german", "02.03.2026"),
    day("with-time", "2026-03-02T00:00:00"),
    day("with-time-and-zone", "2026-03-02T00:00:00Z"),
    day("with-offset", "2026-03-02+14:00"),
    day("space-before", " 2026-03-02"),
    day("newline-behind", "2026-03-02\n"),
    day("arabic-indic-digits", "٢٠٢٦-٠٣-٠٢"),
    day("full-width-hyphens", "2026－03－02"),
    day("epoch-seconds", 1772409600),
    day("epoch-milliseconds", 1772409600000),
    day("epoch-milliseconds-as-text", "1772409600000"),
    day("today-in-words", "today"),
    day("infinity-of-the-database", "infinity"),
    day("empty", ""),
    day("null", None),
    day("true", True),
    case("missing", entry(without=["value_date"]), dead("missing_field", "value_date", "required")),
    # Days that are odd, and days all the same: a fact is not refused
    day("29-february-of-a-leap-year", "2024-02-29", _TAKEN),
    day("first-day-of-the-calendar", "0001-01-01", _TAKEN),
    day("last-day-of-the-calendar", "9999-12-31", _TAKEN),
    day("before-the-call-was-made", "1999-12-31", _TAKEN),
    day("400-days-late", "2025-01-25", _TAKEN),
    day("years-ahead", "2099-06-30", _TAKEN),
    day("a-sunday", "2026-03-01", _TAKEN),
    # Instants
    instant("without-zone", "2026-03-02T09:31:00"),
    instant("zone-by-name", "2026-03-02T09:31:00 America/New_York"),
    instant("offset-without-colon", "2026-03-02T09:31:00+0100"),
    instant("offset-of-a-day", "2026-03-02T09:31:00+24:00"),
    instant("hour-24", "2026-03-02T24:00:01Z"),
    instant("second-61", "2026-03-02T09:31:61Z"),
    instant("leap-second", "2016-12-31T23:59:60Z"),
    instant("day-alone", "2026-03-02"),
    instant("milliseconds-since-1970", 1772443860000),
    instant("http-date", "Mon, 02 Mar 2026 09:31:00 GMT"),
    instant("space-for-t", "2026-03-02 09:31:00Z"),
    instant("empty-instant", ""),
    instant("easternmost-offset", "2026-03-02T09:31:00+14:00", _TAKEN, "2026-03-01T19:31:00Z"),
    instant("westernmost-offset", "2026-03-02T09:31:00-12:00", _TAKEN, "2026-03-02T21:31:00Z"),
    instant("hour-that-a-clock-skips", "2026-03-08T02:30:00-05:00", _TAKEN, "2026-03-08T07:30:00Z"),
    instant("hour-that-a-clock-repeats", "2026-11-01T01:30:00-05:00", _TAKEN, "2026-11-01T06:30:00Z"),
    instant("an-hour-ahead-of-us", "2031-03-17T00:00:00Z", _TAKEN, "2031-03-17T00:00:00Z"),
    instant("null-instant", None, _TAKEN, None),
    # What headers say of time is the sender's own business
    case(
        "event-time-that-is-none",
        entry(),
        _TAKEN,
        headers=[("ce_time", b"yesterday"), ("ce_id", b"1"), ("ce_type", b"payment.received.v1")],
    ),
    case("event-time-in-another-age", entry(), _TAKEN, headers=[("ce_time", b"9999-12-31T23:59:59+23:59")]),
]
