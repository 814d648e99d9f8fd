"""Kafka Streams and a compiler: fetched from Maven Central by jgo, then held against our own list of hashes.

As `drawdown.localstack.jars` does for the broker: jgo only warns of a wrong checksum.
"""

import hashlib
import logging
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jgo.env import EnvironmentBuilder
from jgo.maven import MavenContext, PythonResolver

# The compiler is Eclipse's, which any Java runtime can run; a JDK is not needed.
COORDINATES: Final = (
    "org.apache.kafka:kafka-streams:4.1.0+com.fasterxml.jackson.core:jackson-core:2.19.0"
    "+org.slf4j:slf4j-simple:1.7.36+org.eclipse.jdt:ecj:3.38.0"
)
_LIST: Final = Path(__file__).with_name("kafka_streams_4.1.0.sha256")
_COMPILER: Final = "org.eclipse.jdt.internal.compiler.batch.Main"


class CannotFetch(RuntimeError):
    """The jars cannot be downloaded, or what came is not what we know."""


class CannotCompile(RuntimeError):
    """What the compiler said."""


def fetch(folder: Path) -> list[Path]:
    """The class path, below `folder`; downloads what is not there. Raises `CannotFetch`."""
    for last in (False, True):
        try:
            paths = _resolve(folder)
        except Exception as error:  # noqa: BLE001 (jgo's, the network's, or an XML parser's that met half a file)
            problem = str(error) or type(error).__name__
        else:
            if not (wrong := _wrong(paths)):
                return paths
            problem = f"not the files we know: {', '.join(wrong)}"
        if last:
            raise CannotFetch(f"Kafka Streams cannot be downloaded from Maven Central ({problem})")
        shutil.rmtree(folder, ignore_errors=True)  # a download that was cut short: once more, from nothing
    raise AssertionError


def _resolve(folder: Path) -> list[Path]:
    logging.getLogger("jgo").setLevel(logging.ERROR)
    maven = MavenContext(resolver=PythonResolver(), repo_cache=folder / "maven", local_repos=[])
    environment = EnvironmentBuilder(context=maven, cache_dir=folder / "jgo").from_endpoint(COORDINATES)
    return list(environment.all_jars)


def _wrong(paths: Sequence[Path]) -> list[str]:
    """Names that are missing, not wanted, or of another content."""
    wanted = {name: sha256 for sha256, name in map(str.split, _LIST.read_text().splitlines())}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def compiled(java: str, source: Path, classpath: Sequence[Path], target: Path) -> Path:
    """The folder with the classes of that source, compiled where it has changed. Raises `CannotCompile`."""
    classes = target / hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    if not classes.exists():
        draft = target / "classes.new"
        shutil.rmtree(draft, ignore_errors=True)
        path = ":".join(map(str, classpath))
        done = subprocess.run(
            [java, "-cp", path, _COMPILER, "-17", "-proc:none", "-cp", path, "-d", str(draft), str(source)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise CannotCompile(done.stdout + done.stderr)
        draft.rename(classes)
    return classes
