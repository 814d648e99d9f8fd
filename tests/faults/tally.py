"""What a campaign has done and seen, counted while it runs."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_RACES: Final = ("LockNotAvailable", "Deadlock", "Serialization", "QueryCanceled", "Retry(")
_UNUSUAL: Final = ("batch left undone", "a record was refused by the database", "outbox row parked", "no progress")


@dataclass(slots=True)
class Tally:
    """Counters of faults, sightings and what is wrong."""

    kills: Counter[str] = field(default_factory=Counter)  # SIGKILLs that met work, by victim
    early: Counter[str] = field(default_factory=Counter)  # SIGKILLs of what had done nothing since its start
    points: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)  # points armed and not met
    faults: Counter[str] = field(default_factory=Counter)  # everything else that was done
    seen: Counter[str] = field(default_factory=Counter)  # the "sometimes" of the campaign
    unusual: Counter[str] = field(default_factory=Counter)  # what services said or did unasked
    checks: Counter[str] = field(default_factory=Counter)
    rest_seconds: list[float] = field(default_factory=list)  # from the last fault to rest, each round
    sent: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def total_kills(self) -> int:
        """SIGKILLs that count: at random, and at crash points."""
        return self.kills.total() + self.points.total()

    def read_log(self, lines: Iterable[str]) -> None:
        """What one life of a service said."""
        for line in lines:
            if not line.startswith("{"):
                continue
            try:
                said: dict[str, Any] = json.loads(line)
            except ValueError:
                continue  # cut by the kill
            self._hear(said)

    def _hear(self, said: dict[str, Any]) -> None:
        event, error = str(said.get("event", "")), str(said.get("error", ""))
        if event.startswith("fenced"):
            self.seen["zombie batch fenced"] += 1
        elif event == "batch waits":
            self.seen["batch tried again"] += 1
            self.seen["lost race or lock timeout retried"] += any(race in error for race in _RACES)
        elif event == "partitions taken away":
            self.seen["rebalance"] += 1
            self.seen["rebalance during a batch"] += bool(said.get("in_batch"))
        elif event.startswith("another log"):
            self.unusual[f"another log: {said.get('why')}"] += 1
        elif event.startswith(_UNUSUAL):
            self.unusual[f"{event}: {error}"[:200]] += 1

    def read_server_log(self, name: str, log: Path) -> None:
        """How often that server recovered from a crash."""
        text = log.read_text(errors="replace") if log.exists() else ""
        marks = {
            "postgres": ("automatic recovery in progress", "all server processes terminated; reinitializing"),
            "kafka": ("no clean shutdown file was found", "Recovering unflushed segment"),
        }
        if name == "postgres":
            self.seen["PostgreSQL recovered from a crash"] += sum(text.count(mark) for mark in marks[name])
        else:
            self.seen["broker recovered from a crash"] += max(text.count(mark) for mark in marks[name])
