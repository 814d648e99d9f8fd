"""Apache Kafka's jars: resolved and fetched from Maven Central by jgo, then held against our own list of hashes.

jgo only warns of a wrong checksum, and a download that was interrupted leaves a cut file in its cache.
"""

import contextlib
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drawdown.localstack import cache
from drawdown.localstack.directory import Directory
from drawdown.localstack.progress import downloading

# A program brings its own logging backend; without one the broker says nothing at all.
COORDINATES: Final = "org.apache.kafka:kafka_2.13:4.1.0+org.slf4j:slf4j-simple:1.7.36"
_LIST: Final = Path(__file__).with_name("kafka_4.1.0.sha256")


class CannotFetchKafka(RuntimeError):
    """It cannot be downloaded, or what came is not what we know as Apache Kafka."""


@dataclass(frozen=True, slots=True)
class Jar:
    size_bytes: int
    sha256: str


def expected() -> Mapping[str, Jar]:
    """The jars by file name, as committed."""
    rows = (line.split() for line in _LIST.read_text().splitlines())
    return {name: Jar(int(size), sha256) for sha256, size, name in rows}


def fetch(directory: Directory) -> list[Path]:
    """Kafka's class path; downloads what is not in the user's cache, and shows how far it is. Needs no network when
    everything is there. Raises `CannotFetchKafka`."""
    folder = cache.folder(directory)
    with cache.one_at_a_time(folder, "kafka"), contextlib.suppress(_Spoiled):
        return _built(folder / "kafka", [Path(os.path.expanduser("~/.m2/repository"))])  # noqa: PTH111 (never raises)
    # A download that was cut short, here or in the user's own Maven cache: once more, from nothing.
    with cache.one_at_a_time(folder, "kafka"):
        shutil.rmtree(folder / "kafka", ignore_errors=True)
        try:
            return _built(folder / "kafka", [])
        except _Spoiled as spoiled:
            raise CannotFetchKafka(
                f"Apache Kafka cannot be downloaded from Maven Central ({spoiled}); "
                "try again, or name a broker of yours in DRAWDOWN_KAFKA"
            ) from spoiled


class _Spoiled(Exception):
    pass


def _built(folder: Path, own_caches: list[Path]) -> list[Path]:
    try:
        paths = _build(folder, own_caches)
    except Exception as error:  # jgo's, the network's, or an XML parser's that met half a file
        raise _Spoiled(str(error) or type(error).__name__) from error
    if wrong := _wrong(paths):
        raise _Spoiled(f"not the files we know: {', '.join(wrong)}")
    return paths


def _wrong(paths: Sequence[Path]) -> list[str]:
    """Names that are missing, not wanted, or of another content."""
    wanted = expected()
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    differ = {name for name, sha256 in hashes.items() if name not in wanted or wanted[name].sha256 != sha256}
    return sorted(differ | (wanted.keys() - hashes.keys()))


def _build(folder: Path, own_caches: list[Path]) -> list[Path]:
    """The jars, laid out below `folder`; what `own_caches` (Maven's layout, only read) have is not downloaded."""
    from jgo.env import EnvironmentBuilder
    from jgo.maven import MavenContext, PythonResolver

    logging.getLogger("jgo").setLevel(logging.ERROR)
    total = sum(jar.size_bytes for jar in expected().values())
    with downloading("Apache Kafka 4.1.0", total_bytes=total) as advance:
        resolver = PythonResolver(progress_callback=_only_jars(advance))
        maven = MavenContext(resolver=resolver, repo_cache=folder / "maven", local_repos=own_caches)
        environment = EnvironmentBuilder(context=maven, cache_dir=folder / "jgo").from_endpoint(COORDINATES)
    return list(environment.all_jars)


def _only_jars(advance: Callable[[int], None]) -> Callable[[str, int], Any]:
    """jgo's callback: a context that yields what to call with each piece's size; only the jars' bytes count."""

    @contextmanager
    def progress(filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance if filename.endswith(".jar") else (lambda _bytes: advance(0))

    return progress
