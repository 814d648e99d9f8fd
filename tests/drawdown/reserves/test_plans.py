"""Promises of what `drawdown reserves` plans, lists and sends: formulas explained, figures exact, writes done once."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self

import httpx
import pytest
from typer.testing import CliRunner

from drawdown import exits
from drawdown.reserves import app
from drawdown.reserves import desk as desk_
from tests.drawdown.reserves.fund import Fund, a_fund
from tests.support.desk import Desk
from tests.support.house import House


def test_a_suggestion_is_explained_and_can_be_committed(fund: Fund) -> None:
    """Formula, words and outcome; its sheet is what `commit` reads, and comes to the same."""
    sheet = fund.folder / "suggested.csv"
    shown = fund.run("suggest", "concentration", "--limit", "30", "--out", sheet)
    assert shown.exit_code == exits.OK, shown.stderr
    assert "min(limit · total" in shown.stdout
    assert "with at most 30 %, USD 3,000,000.00, for each" in shown.stdout
    assert f"drawdown reserves commit {fund.id} {sheet} --version 1" in shown.stderr
    # 4 and 3 million are cut to 3 each; the 1 million above goes 2 : 1 to those who had 2 and 1.
    assert fund.told("commit", sheet, "--version", "1", "--yes")["commit"]["new_version"] == 2
    assert fund.planned == ["3000000.00", "3000000.00", "2666666.67", "1333333.33"]


def test_suggestions_of_every_kind(fund: Fund) -> None:
    """A new total, unfunded commitments, and a saved template, each with its proposal in major units."""
    scaled = fund.told("suggest", "total", "--amount", "5000000.00")
    assert [one["planned_reserves"] for one in scaled["proposed_allocations"]] == [
        *("2000000.00", "1500000.00", "1000000.00", "500000.00")
    ]
    assert scaled["preview"]["totals"]["total_allocated_after"] == "5000000.00"
    refused = fund.run("suggest", "unfunded")
    assert (refused.exit_code, "owes nothing to any company" in refused.stderr) == (exits.USAGE, True)
    for company, committed in zip(fund.companies, ("100.00", "300.00"), strict=False):
        Desk(fund.house).post("/api/allocations", {"fund_id": fund.id, "deal_id": company, "committed": committed})
    spread = fund.told("suggest", "unfunded")
    assert [one["planned_reserves"] for one in spread["proposed_allocations"]] == [
        *("2500000.00", "7500000.00", "0.00", "0.00")
    ]
    one, two = fund.companies[:2]
    shares = [{"company_id": one, "percent": "25"}, {"company_id": two, "percent": "75"}]
    assert "no templates" in fund.run("templates").stdout
    fund.post("templates", {"name": "quarter", "basis": "percent", "shares": shares})
    told = fund.told("suggest", "template", "--name", "quarter")
    assert [one["planned_reserves"] for one in told["proposed_allocations"]] == ["1750000.00", "5250000.00"]
    assert "quarter" in fund.run("templates").stdout
    assert fund.told("templates")[0]["shares"][0]["percent"] == "25.0000"
    assert fund.version == 1


@pytest.mark.parametrize(
    "arguments",
    [
        *(("concentration",), ("concentration", "--amount", "1.00"), ("unfunded", "--limit", "5"), ("total",)),
        *(("total", "--amount", "1.005"), ("concentration", "--limit", "a lot"), ("template", "--name", "no/such")),
        *(("concentration", "--limit", "25", "--amount", "1"), ("luck",)),
        ("concentration", "--limit", "1"),
    ],
    ids=" ".join,
)
def test_a_suggestion_that_makes_no_sense_is_refused(fund: Fund, arguments: tuple[str, ...]) -> None:
    """Each formula takes its own figure and no other; what cannot be reached says why; exit code 2."""
    refused = fund.run("suggest", *arguments)
    assert (refused.exit_code, bool(refused.stderr)) == (exits.USAGE, True)


def test_what_waits_is_listed(fund: Fund) -> None:
    """Schedules with their status; amounts in the currency of each fund."""
    one = {"company_id": fund.companies[0], "planned_reserves_cents": 12345}
    commit = {"fund_id": fund.id, "current_version": 1, "proposed_allocations": [one]}
    body = {"run_at": "2100-01-01T00:00:00Z", "commits": [commit]}
    assert fund.house.http.post("/api/reallocation/scheduled", json=body).status_code == 201
    words = ["scheduled", "--data", str(fund.house.directory.path)]
    table = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert "waiting" in table.stdout
    assert f"{fund.id} (version 1)" in table.stdout
    told = json.loads(CliRunner().invoke(app, [*words, "--status", "waiting", "--json"]).stdout)
    assert told[0]["commits"][0]["proposed_allocations"][0]["planned_reserves"] == "123.45"
    assert "nothing is scheduled" in CliRunner().invoke(app, [*words, "--status", "parked"]).stdout


@pytest.mark.parametrize(("currency", "amount", "shown"), [("JPY", "1500000", "1,500,000"), ("KWD", "1.005", "1.005")])
def test_other_currencies(house: House, tmp_path: Path, currency: str, amount: str, shown: str) -> None:
    """Yen have no decimals and dinars three: amounts go there and back unchanged."""
    fund = a_fund(house, tmp_path, currency)
    sheet = fund.sheet((fund.companies[0], amount, ""))
    assert fund.told("set", sheet)["reserves"]["total"] == amount
    assert f"{shown} {currency} in all" in fund.run("show").stdout
    assert fund.told("preview", sheet)["deltas"][0]["delta_pct"] == "0.0"


def test_a_shown_book_can_be_edited_and_previewed(fund: Fund) -> None:
    """`show --out` writes what `preview` reads; as it stands it moves nothing."""
    sheet = fund.folder / "book.csv"
    assert fund.run("show", "--out", sheet).exit_code == exits.OK
    told = fund.told("preview", sheet)
    assert {one["status"] for one in told["deltas"]} == {"unchanged"}
    assert len(told["deltas"]) == 4
    assert fund.run("show", "--out", fund.folder / "no" / "folder.csv").exit_code == exits.FAILED


class Cutting(ThreadingHTTPServer):
    """Between a caller and the front: it passes everything on, and cuts the line before the answer to a write, once for
    each `cuts`."""

    def __init__(self, front: str, cuts: int) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind = httpx.Client(base_url=front, trust_env=False)
        self.cuts = cuts

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self.behind.close()


class Passing(BaseHTTPRequestHandler):
    """One line through it."""

    server: Cutting

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {
            name: self.headers[name] for name in ("content-type", "idempotency-key", "if-match") if name in self.headers
        }
        done = self.server.behind.request(self.command, self.path, content=body, headers=headers)
        if self.server.cuts:
            self.server.cuts -= 1
            self.close_connection = True
            return
        self.send_response(done.status_code)
        for name in ("content-type", "idempotent-replayed"):
            if name in done.headers:
                self.send_header(name, done.headers[name])
        self.send_header("content-length", str(len(done.content)))
        self.end_headers()
        self.wfile.write(done.content)

    do_PUT = do_POST  # noqa: N815 (the name that the server looks for)

    def log_message(self, *_: object) -> None:
        """Nothing: what is sent is the test's business."""


def test_a_write_that_is_cut_off_is_done_once(fund: Fund) -> None:
    """The line breaks after the ledger has done it, twice: the third time its answer is the first one's."""
    new = Desk(fund.house).deal()["id"]
    said: list[str] = []
    for what in ("set_up", "commit"):
        before = fund.version
        with Cutting(fund.house.addresses.front, cuts=2) as server:
            address = f"http://127.0.0.1:{server.server_port}"
            with httpx.Client(base_url=address, trust_env=False) as http:
                desk = desk_.Desk(http, fund.id, said.append)
                one = {"company_id": new, "planned_reserves_cents": 0}
                body = {"current_version": before, "proposed_allocations": [{**one, "planned_reserves_cents": 5}]}
                done = desk.set_up([one], None, version=before) if what == "set_up" else desk.commit(body)
        assert done.status_code == 200, done.text
        assert done.headers["idempotent-replayed"] == "true"
        assert fund.version == before + 1
    assert len(said) == 4
    assert fund.planned[-1] == "0.05"


def test_a_write_that_nobody_answers_is_given_up(fund: Fund, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while it says that nobody knows whether it was done, and where that can be seen."""
    monkeypatch.setattr(desk_, "_PATIENCE_SECONDS", 0)
    with (
        Cutting(fund.house.addresses.front, cuts=9) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as http,
        pytest.raises(desk_.Unanswered, match=f"drawdown reserves history {fund.id}"),
    ):
        desk_.Desk(http, fund.id, print).commit({"current_version": 1, "proposed_allocations": []})


def test_the_books_are_right(house: House) -> None:
    """Whatever was done here, `drawdown check` finds every invariant kept."""
    house.settle()
    house.check()
