"""Promises of `drawdown feed --watch`: files that lie still are fed once and moved; nothing is lost or taken half."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from drawdown.samples import Line, camt053
from drawdown.watched_folder import InUse, TryAgain, WatchedFolder
from tests.support.house import House

SOURCE = "bank/watched-usd-1"


@dataclass
class Answer:
    taken: bool
    document: dict[str, Any]


@dataclass
class Desk:
    """Whoever is fed: takes what begins with good, refuses what does not, and may be away."""

    folder: Path
    away: bool = False
    fed: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def watch(self) -> WatchedFolder:
        return WatchedFolder(self.folder, self._feed, self.told.append)

    def _feed(self, path: Path) -> Answer:
        if self.away:
            raise TryAgain("nobody there")
        self.fed.append(path.read_text())
        return Answer(path.read_text().startswith("good"), {"said": path.read_text()})

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def names(self, folder: str = "") -> list[str]:
        return sorted(path.name for path in (self.folder / folder).iterdir() if path.is_file())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_file_is_fed_when_it_lies_still(desk: Desk) -> None:
    """Not while it grows: a look must find it as the look before did."""
    watched = desk.watch()
    desk.put("a.xml", "good 1")
    assert watched.look() == []
    desk.put("a.xml", "good 1 and more")
    assert watched.look() == []
    assert [path.parent.name for path in watched.look()] == ["done"]
    assert desk.fed == ["good 1 and more"]
    assert desk.names() == []


def test_what_is_refused_goes_to_failed_with_the_reason(desk: Desk) -> None:
    """The answer stands beside each file, for whoever looks after the folder."""
    watched = desk.watch()
    desk.put("bad.xml", "bad")
    desk.put("fine.xml", "good")
    watched.look()
    watched.look()
    assert desk.names("done") == ["fine.xml", "fine.xml.answer.json"]
    assert desk.names("failed") == ["bad.xml", "bad.xml.answer.json"]
    assert json.loads((desk.folder / "failed/bad.xml.answer.json").read_text()) == {"said": "bad"}


def test_a_name_that_comes_again_keeps_both_files(desk: Desk) -> None:
    """Banks give every day's file the same name: yesterday's is not overwritten."""
    watched = desk.watch()
    for text in ("good monday", "good tuesday"):
        desk.put("statement.xml", text)
        watched.look()
        watched.look()
    assert (desk.folder / "done/statement.xml").read_text() == "good monday"
    assert (desk.folder / "done/statement.2.xml").read_text() == "good tuesday"


@pytest.mark.parametrize("name", [".hidden.xml", "a.xml.part", "a.TMP", "a.crdownload", ".drawdown-feed.lock"])
def test_what_is_not_finished_is_left_alone(desk: Desk, name: str) -> None:
    """Hidden files and the names that programs give to what they are still writing."""
    watched = desk.watch()
    desk.put(name, "good")
    watched.look()
    watched.look()
    assert (desk.fed, desk.names()) == ([], [name])


def test_the_oldest_comes_first(desk: Desk) -> None:
    """In the order in which they were written, so that a reversal comes behind its original."""
    watched = desk.watch()
    for number, name in enumerate(("c.xml", "a.xml", "b.xml")):
        desk.put(name, f"good {name}")
        os.utime(desk.folder / name, ns=(0, number * 10**9))
    watched.look()
    watched.look()
    assert desk.fed == ["good c.xml", "good a.xml", "good b.xml"]


def test_nothing_is_moved_without_an_answer(desk: Desk) -> None:
    """While nobody is there the file stays, and is fed when somebody is."""
    watched = desk.watch()
    desk.put("a.xml", "good")
    watched.look()
    desk.away = True
    for _ in range(3):
        with pytest.raises(TryAgain):
            watched.look()
    assert desk.names() == ["a.xml"]
    desk.away = False
    watched.look()
    assert desk.fed == ["good"]


def test_a_folder_has_one_watcher(desk: Desk) -> None:
    """A second one says so, and moves nothing."""
    with desk.watch().alone(), pytest.raises(InUse, match="watched by another"), desk.watch().alone():
        pass


def test_a_watched_folder_feeds_a_running_ledger(house: House, tmp_path: Path) -> None:
    """From a file put into the folder to a payment; the watcher is killed outright and another goes on."""
    command = [sys.executable, "-m", "drawdown", "feed", "--watch", str(tmp_path), "--source", SOURCE]
    command += ["--data", str(house.directory.path)]
    for number, end in enumerate((signal.SIGKILL, signal.SIGTERM)):
        lines = [Line("5.00", date(2026, 3, 2), bank_reference=f"W-{number}", remittance="watched")]
        unfinished = tmp_path / "statement.xml.part"
        unfinished.write_bytes(camt053(f"W{number}", "WATCHED-77", "USD", "0.00", lines))
        unfinished.rename(tmp_path / "statement.xml")
        (tmp_path / "nonsense.xml").write_bytes(b"<nonsense/>")
        watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _until(lambda: not list(tmp_path.glob("*.xml")))
            watcher.send_signal(end)
            assert watcher.wait(20) == (0 if end is signal.SIGTERM else -signal.SIGKILL)
        finally:
            watcher.kill()
            watcher.communicate()
    assert sorted(path.name for path in (tmp_path / "done").glob("*.xml")) == ["statement.2.xml", "statement.xml"]
    assert len(list((tmp_path / "failed").glob("*.xml"))) == 2
    house.settle()
    held = house.http.get("/api/payments", params={"status": "held", "limit": 200}).json()["items"]
    assert sorted(one["payment_id"] for one in held if one["source"] == SOURCE) == ["W-0", "W-1"]


def _until(done: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)
