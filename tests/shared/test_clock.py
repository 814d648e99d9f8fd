"""Promises of time: read in one place, moved by a file, and always the fund's own date."""

from datetime import UTC, date, datetime
from pathlib import Path

from shared.clock import OffsetClock, SystemClock, business_date, clock_of, is_time_zone


def test_a_business_date_is_that_of_the_funds_time_zone() -> None:
    """The same instant is the 15th in New York and the 16th in Tokyo (killbill 1074: a due date one day off)."""
    instant = datetime(2026, 3, 15, 16, 30, tzinfo=UTC)
    assert business_date(instant, "America/New_York") == date(2026, 3, 15)
    assert business_date(instant, "Asia/Tokyo") == date(2026, 3, 16)


def test_the_clock_moves_with_its_file(tmp_path: Path) -> None:
    """A running service can be led through the days; without the file it tells the machine's time."""
    offset = tmp_path / "offset"
    clock = clock_of(offset)
    assert isinstance(clock, OffsetClock)
    before = clock.now()
    offset.write_text("86400")
    assert (clock.now() - before).days == 1
    assert isinstance(clock_of(None), SystemClock)
    assert SystemClock().now().tzinfo is UTC


def test_only_names_of_the_iana_database_are_time_zones() -> None:
    """A name that some event made up, a folder or a path must not end a reckoning later."""
    assert is_time_zone("Asia/Kolkata")
    assert not any(map(is_time_zone, ("Mars/Olympus", "America", "../etc/passwd", "/etc/localtime", "", "a\0b")))
