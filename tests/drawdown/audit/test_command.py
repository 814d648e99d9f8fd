"""Promises of ``drawdown audit`` to the people and scripts that call it."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drawdown.addresses import Addresses
from drawdown.audit import app
from drawdown.localstack.directory import Directory
from services.audit import handlers
from tests.audit.records import item
from tests.support.ledger import Ledger


@pytest.fixture
def data(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of a stack whose record has seven entries."""
    monkeypatch.delenv("DRAWDOWN_AUDIT_DATABASE_URL", raising=False)
    asyncio.run(fill(ledger))
    Addresses(
        front="http://127.0.0.1:1",
        kafka="127.0.0.1:1",
        topic_prefix="",
        services={},
        admin_url=ledger.admin_url,
        database_urls={"audit": ledger.url("audit")},
    ).save(Directory.at(tmp_path / "stack"))
    return tmp_path / "stack"


async def fill(ledger: Ledger) -> None:
    async with ledger.connect("audit") as db, db.transaction():
        await handlers.record(db, [item("fund.changed", n) for n in range(6)] + [item("payment.received", 0)])


async def change(ledger: Ledger, statement: str) -> None:
    async with ledger.connect_admin() as db:
        await db.execute(statement)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_whole_record(data: Path) -> None:
    """0, and one line that says how much was proved."""
    done = run("verify", "--data", data)
    assert (done.exit_code, done.stdout) == (0, "7 entries in 2 chains, 0 payloads erased: all as written\n")
    verdict = json.loads(run("verify", "--data", data, "--json").stdout)
    assert (verdict["verified"], verdict["entries"]) == (True, 7)


def test_a_changed_record(data: Path, ledger: Ledger) -> None:
    """1, and a line for each place where it is not as it was written."""
    asyncio.run(change(ledger, "delete from audit.entry where identity = 'fund.changed-2'"))
    done = run("verify", "--data", data)
    assert done.exit_code == 1
    assert done.stdout.startswith("fund.changed/0/4: missing: nothing stands between 2 and 4\n")
    verdict = json.loads(run("verify", "--data", data, "--json").stdout)
    assert not verdict["verified"]
    assert verdict["chains"][0]["problems"][0]["problem"] == "missing"


def test_heads_kept_elsewhere(data: Path, ledger: Ledger, tmp_path: Path) -> None:
    """A chain cut together with its head is whole in itself, and not for somebody who kept the head."""
    kept = tmp_path / "heads.json"
    kept.write_text(run("heads", "--data", data).stdout)
    assert run("verify", "--data", data, "--heads", kept).exit_code == 0
    asyncio.run(
        change(
            ledger,
            "delete from audit.entry where identity = 'fund.changed-5';"
            "update audit.chain c set sequence = 5, hash = e.hash from audit.entry e"
            " where e.topic_id = c.topic_id and e.partition = c.partition and e.sequence = 5",
        )
    )
    assert run("verify", "--data", data).exit_code == 0
    done = run("verify", "--data", data, "--heads", kept)
    assert done.exit_code == 1
    assert "fund.changed/0/6: cut: " in done.stdout


def test_an_export_needs_no_database(data: Path, tmp_path: Path) -> None:
    """The record can be given to somebody, who proves it alone."""
    exported = tmp_path / "record.jsonl"
    exported.write_text(run("export", "--data", data).stdout)
    assert run("verify", "--data", tmp_path / "nowhere", "--export", exported).exit_code == 0
    exported.write_text(exported.read_text().replace('"local"', '"someone"').replace('"system"', '"someone"'))
    assert run("verify", "--export", exported).exit_code == 1


def test_another_database(data: Path, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the record is elsewhere, the environment says where."""
    assert run("verify", "--data", tmp_path / "nowhere").exit_code == 4
    monkeypatch.setenv("DRAWDOWN_AUDIT_DATABASE_URL", ledger.url("audit"))
    assert run("verify", "--data", tmp_path / "nowhere").exit_code == 0
    monkeypatch.setenv("DRAWDOWN_AUDIT_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert run("verify").exit_code == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"heads": 1}', '{"heads": [{"topic": "x"}]}', "not json"])
def test_a_file_of_heads_that_is_none(text: str, tmp_path: Path) -> None:
    """2, before anything is verified: a wrong file must never look like a good verdict."""
    wrong = tmp_path / "heads.json"
    wrong.write_text(text)
    done = run("verify", "--heads", wrong)
    assert done.exit_code == 2
    assert str(wrong) in done.output
