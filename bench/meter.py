"""What a run costs: CPU of every process, children included, peak memory, write-ahead log, fsyncs.

CPU is read from the system's accounts of each process; PostgreSQL's by what its sessions call themselves, so that each
service's share of the server shows.
"""

import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from shared.postgres import Connection

SESSIONS: Final = """
select pid, coalesce(nullif(application_name, ''), backend_type) as name from pg_stat_activity
"""
WRITTEN: Final = """
select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal_bytes,
       (select coalesce(sum(fsyncs), 0) from pg_stat_io) as fsyncs
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that counts up, at one moment. CPU in seconds by name; `at` is of the monotonic clock."""

    at: float
    cpu_seconds: Mapping[str, float]
    sessions: Mapping[int, tuple[str, float]]  # of PostgreSQL, by pid
    wal_bytes: int
    fsyncs: int
    machine_seconds: float  # what all processors of the machine worked


@dataclass(frozen=True, slots=True)
class Cost:
    """What lies between two readings."""

    seconds: float
    cpu_seconds: Mapping[str, float]
    sessions_cpu_seconds: Mapping[str, float]
    wal_bytes: int
    fsyncs: int
    machine_seconds: float
    peak_mib: Mapping[str, float] = field(default_factory=dict)

    def others_share(self, known_seconds: float) -> float:
        """How much of the machine went to processes that are none of ours; `known_seconds` were the load generator's.
        The kernel's own work is in it, so a quiet machine shows some."""
        ours = sum(self.cpu_seconds.values()) + known_seconds
        return max(self.machine_seconds - ours, 0.0) / (self.seconds * (os.cpu_count() or 1))


async def read(db: Connection, pids: Mapping[str, int]) -> Reading:
    """The counters of these processes now; the one named `postgres` counts with all its sessions, ended ones too."""
    sessions = {}
    for pid, name in await db.fetch(SESSIONS):
        if pid != db.get_server_pid():
            try:
                sessions[pid] = (str(name), _own_seconds(psutil.Process(pid)))
            except psutil.NoSuchProcess:
                continue
    written = await db.fetchrow(WRITTEN)
    assert written is not None
    return Reading(
        at=time.monotonic(),
        cpu_seconds={name: _seconds(pid) for name, pid in pids.items()},
        sessions=sessions,
        wal_bytes=int(written["wal_bytes"]),
        fsyncs=int(written["fsyncs"]),
        machine_seconds=machine_seconds(),
    )


def machine_seconds() -> float:
    """What all processors have worked since the machine began."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - getattr(times, "guest", 0) - getattr(times, "steal", 0))


def own_seconds() -> float:
    """What this very process has worked."""
    return _own_seconds(psutil.Process())


def between(before: Reading, after: Reading, pids: Mapping[str, int]) -> Cost:
    """What the time between two readings cost."""
    sessions: dict[str, float] = defaultdict(float)
    for pid, (name, seconds) in after.sessions.items():
        sessions[name] += seconds - (before.sessions[pid][1] if pid in before.sessions else 0.0)
    return Cost(
        seconds=after.at - before.at,
        cpu_seconds={name: after.cpu_seconds[name] - before.cpu_seconds[name] for name in pids},
        sessions_cpu_seconds=dict(sorted(sessions.items(), key=lambda each: -each[1])),
        wal_bytes=after.wal_bytes - before.wal_bytes,
        fsyncs=after.fsyncs - before.fsyncs,
        machine_seconds=after.machine_seconds - before.machine_seconds,
        peak_mib={name: peak_mib(pid) for name, pid in pids.items() if name != "postgres"},
    )


def peak_mib(pid: int) -> float:
    """The most memory that process ever had resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def resident_mib(pid: int) -> float:
    """What it has resident now."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def _own_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _seconds(pid: int) -> float:
    """Its own time, that of its children that ended, and that of those which run."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    total = float(times.user + times.system + times.children_user + times.children_system)
    for child in process.children(recursive=True):
        try:
            total += _own_seconds(child)
        except psutil.NoSuchProcess:
            continue
    return total


def fsync_ms(folder: Path, times: int = 40) -> float:
    """The median time of making 8 KiB durable in that folder."""
    file = folder / ".fsync"
    took = []
    handle = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for n in range(times):
            os.pwrite(handle, bytes([n]) * 8192, 0)
            begun = time.perf_counter()
            os.fdatasync(handle)
            took.append((time.perf_counter() - begun) * 1000)
    finally:
        os.close(handle)
        file.unlink()
    return sorted(took)[times // 2]
