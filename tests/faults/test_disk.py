"""Promises about full disks: nothing that was acknowledged is lost, everybody can see it, and work goes on by itself
once there is room."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from drawdown.localstack.waiting import until
from tests.faults.disk import MEBIBYTE, Disk, Limited, can_mount, moved_to_small_disk
from tests.faults.network.house import ProxiedHouse, recover, unstarted
from tests.faults.network.load import load_on

ROOM: Final = {"postgres": 40 * MEBIBYTE, "kafka": 24 * MEBIBYTE}
# Below the size of a write-ahead segment, so PostgreSQL panics; and of what a partition comes to here.
LIMIT_BYTES: Final = {"postgres": MEBIBYTE, "kafka": 32 * 1024}


@contextlib.contextmanager
def small_disk(house: ProxiedHouse, server: str, kind: str) -> Iterator[Disk]:
    """The disk of a server that does not run yet."""
    if kind == "limited":
        yield Limited(lambda: house._children[server].pid, LIMIT_BYTES[server])
        return
    folder = house.directory.path / ("postgres" if server == "postgres" else "kafka/data")
    with moved_to_small_disk(folder.resolve(), room_bytes=ROOM[server]) as disk:
        yield disk


def kinds() -> tuple[str, ...]:
    """What can be done on this machine; a size limit always can."""
    with tempfile.TemporaryDirectory() as folder:
        return ("mounted", "limited") if can_mount(Path(folder)) else ("limited",)


def turns_red(house: ProxiedHouse, service: str) -> bool:
    """Whether the service says by and by that it cannot do its work."""
    with httpx.Client(base_url=house.addresses.services[service], timeout=10, trust_env=False) as http:

        def is_red() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return http.get("/readyz").status_code == 503
            return False

        return until(is_red, seconds=45, pause_seconds=0.25)


def turns() -> list[tuple[str, str]]:
    """Server and kind of disk; with DRAWDOWN_FAULTS=full all of them, else each server once."""
    if os.environ.get("DRAWDOWN_FAULTS") == "full":
        return [(server, kind) for server in ROOM for kind in kinds()]
    return [("postgres", kinds()[0]), ("kafka", kinds()[-1])]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("server", "kind"), turns())
def test_a_full_disk(server: str, kind: str) -> None:
    """Writes fail cleanly, readiness turns red, what was acknowledged is there, and all goes on when there is room."""
    with unstarted(seed=1) as house, small_disk(house, server, kind) as disk, house.lived_in():
        load = load_on(house, payments=1_500, writes=30, seed=1)
        load.pause_seconds = 1  # so that it lasts
        with load:
            until(lambda: len(load.answered) >= 4, seconds=20)
            disk.fill()
            red = turns_red(house, "payments")
            disk.free()
            if house._children[server].exit_code is not None:
                house.start(server, wait=False)  # as whoever watches over servers does
                house.wait_until_ready(server, timeout=180)
        assert red, "nobody could see it"
        recover(house)
        house.settle(timeout=60)
        load.assert_right()
        house.check()


WRITER: Final = """
import sys
for line in sys.stdin:
    try:
        open(line.strip(), "wb", buffering=0).write(b"x")
        print("written", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


def test_a_limit_is_a_full_disk(tmp_path: Path) -> None:
    """The fault itself: a process that runs already is refused its writes, and then allowed them again."""
    with subprocess.Popen([sys.executable, "-c", WRITER], stdin=-1, stdout=-1, text=True) as writer:
        assert writer.stdin
        assert writer.stdout
        disk, said = Limited(lambda: writer.pid, 0), []
        for change in (None, disk.fill, disk.free):
            if change is not None:
                change()
            writer.stdin.write(f"{tmp_path / 'file'}\n")
            writer.stdin.flush()
            said.append(writer.stdout.readline().strip())
        writer.stdin.close()
    assert said == ["written", "File too large", "written"]


def test_a_small_disk_is_full_and_has_room_again(tmp_path: Path) -> None:
    """The fault itself, where mounting is possible; what lay in the folder lies there still."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "kept").write_text("kept")
    if not can_mount(tmp_path):
        assert "mounted" not in kinds()
        return
    with moved_to_small_disk(folder, room_bytes=MEBIBYTE) as disk:
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (folder / "file").write_bytes(bytes(8192))
        disk.free()
        (folder / "file").write_bytes(bytes(8192))
        assert (folder / "kept").read_text() == "kept"
