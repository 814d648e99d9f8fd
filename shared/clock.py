"""The only place that reads the clock; everything else is handed the time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class OffsetClock:
    """The machine's clock moved by the seconds that stand in a file, read anew each time: how tests move a running
    service through the days. A missing or empty file moves nothing."""

    path: Path

    def now(self) -> datetime:
        try:
            seconds = int(self.path.read_text() or 0)
        except FileNotFoundError:
            seconds = 0
        return datetime.now(UTC) + timedelta(seconds=seconds)


def clock_of(offset_file: Path | None) -> Clock:
    """The clock that the settings ask for."""
    return SystemClock() if offset_file is None else OffsetClock(offset_file)


def business_date(now: datetime, time_zone: str) -> date:
    """What a fund calls today: the date in its time zone (an IANA name) at the instant `now`."""
    return now.astimezone(ZoneInfo(time_zone)).date()


def is_time_zone(name: str) -> bool:
    """Whether the name is one of the IANA database, by which a business date can be reckoned."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
