"""Promises of `drawdown reserves`: set up from a sheet, preview, commit what was shown, and who did what."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drawdown import exits
from drawdown.reserves import app, command
from tests.drawdown.reserves.fund import Fund, a_fund
from tests.support.desk import Desk
from tests.support.house import House


def test_reserves_are_set_up_and_shown(fund: Fund) -> None:
    """Companies, shares, caps, version and total; for people and for programs, in major units."""
    shown = fund.run("show").stdout
    assert "4,000,000.00" in shown
    assert "40.0" in shown
    assert "10,000,000.00 USD in all, version 1" in shown
    told = fund.told("show")
    assert (told["version"], told["total"], told["currency"]) == (1, "10000000.00", "USD")
    assert [(one["planned_reserves"], one["allocation_cap"], one["share_percent"]) for one in told["companies"]] == [
        ("4000000.00", None, "40.0"),
        ("3000000.00", None, "30.0"),
        ("2000000.00", None, "20.0"),
        ("1000000.00", "1500000.00", "10.0"),
    ]


def test_the_same_set_up_again_changes_nothing(fund: Fund) -> None:
    """What is there already makes no version; a cap is set, left as it is by an empty cell, and taken away."""
    four = fund.companies[3]
    for rows, version, cap in (
        ([(four, "1000000.00", "1500000.00")], 1, "1500000.00"),
        ([(four, "1000000.00", "1600000.00")], 2, "1600000.00"),
        ([(four, "", "")], 2, "1600000.00"),
        ([(four, "", "none")], 3, None),
        ([(four, "", "1600000.00")], 4, "1600000.00"),
    ):
        told = fund.told("set", fund.sheet(*rows))
        assert (told["reserves"]["version"], told["reserves"]["companies"][3]["allocation_cap"]) == (version, cap)


def test_a_dry_run_sets_nothing_up(fund: Fund) -> None:
    """It says what would be done; a company that could not be added is named in it too."""
    desk = Desk(fund.house)
    good = fund.sheet((desk.deal()["id"], "5.00", ""))
    rehearsed = fund.run("set", good, "--dry-run")
    assert (rehearsed.exit_code, "1 rows would be set up" in rehearsed.stdout) == (exits.OK, True)
    assert fund.run("set", fund.sheet((999_999_999, "5.00", "")), "--dry-run").exit_code == exits.USAGE
    assert fund.version == 1
    assert fund.told("set", good)["reserves"]["version"] == 2


def test_a_wrong_set_up_is_refused_whole(fund: Fund) -> None:
    """Each bad line with its reason, whether the file or the ledger is against it; no good line is sent."""
    desk = Desk(fund.house)
    good = (desk.deal()["id"], "5.00", "")
    unknown, another = (999_999_999, "1.00", ""), (999_999_998, "1.00", "")
    refused = fund.run("set", fund.sheet(good, unknown, another))
    assert refused.exit_code == exits.USAGE
    assert "line 3: there is no company 999999999" in refused.stderr
    assert "line 4: there is no company 999999998" in refused.stderr
    assert "line 3: '1.005' is no amount in USD" in fund.run("set", fund.sheet(good, (1, "1.005", ""))).stderr
    assert (fund.version, len(fund.planned)) == (1, 4)


def test_a_preview_shows_what_a_commit_would_do(fund: Fund) -> None:
    """Changes, percents, totals, warnings and the digest; nothing is written."""
    sheet = fund.proposal("4500000.00", "2000000.00", "2000000")
    shown = fund.run("preview", sheet)
    assert shown.exit_code == exits.OK, shown.stderr
    assert all(figure in shown.stdout for figure in ("+500,000.00", "12.5", "-1,000,000.00", "-33.3", "47.4 %"))
    assert "10,000,000.00 → 9,500,000.00 USD (-500,000.00, -5.0 %)" in shown.stdout
    assert "the reserve falls from USD 3,000,000.00 to USD 2,000,000.00" in shown.stdout
    told = fund.told("preview", sheet)
    assert told["digest"] in shown.stdout
    assert [(one["from"], one["to"], one["delta"], one["delta_pct"], one["status"]) for one in told["deltas"]] == [
        ("4000000.00", "4500000.00", "500000.00", "12.5", "increased"),
        ("3000000.00", "2000000.00", "-1000000.00", "-33.3", "decreased"),
        ("2000000.00", "2000000.00", "0.00", "0.0", "unchanged"),
    ]
    assert told["totals"] == {
        "total_allocated_before": "10000000.00",
        "total_allocated_after": "9500000.00",
        "delta": "-500000.00",
        "delta_pct": "-5.0",
    }
    assert [one["type"] for one in told["warnings"]] == ["high_concentration", "negative_delta"]
    assert fund.version == 1


def test_a_cap_stops_a_commit(fund: Fund) -> None:
    """The preview says so with exit code 2, a commit sends nothing; a higher cap in the sheet counts for once."""
    four = fund.companies[3]
    above = fund.sheet((four, "1500000.01", ""))
    for what in (("preview", above), ("commit", above, "--yes")):
        refused = fund.run(*what)
        assert refused.exit_code == exits.USAGE
        assert "exceeds its cap of USD 1,500,000.00" in refused.stderr
    assert fund.version == 1
    assert fund.told("commit", fund.sheet((four, "1500000.01", "1600000.00")), "--yes")["commit"]["new_version"] == 2
    assert fund.told("show")["companies"][3]["allocation_cap"] == "1500000.00"


def test_a_commit_asks_first(fund: Fund) -> None:
    """No, and nobody there, leave all as it is; yes does what was shown and says how it is recorded."""
    sheet = fund.proposal("1.00")
    for typed in ("n\n", ""):
        declined = fund.run("commit", sheet, typed=typed)
        assert (declined.exit_code, "nothing was committed" in declined.stderr) == (exits.FAILED, True)
    assert fund.version == 1
    done = fund.run("commit", sheet, "--reason", "so be it", "--user", "7", typed="y\n")
    assert done.exit_code == exits.OK, done.stderr
    assert "commit this as version 2?" in done.stderr
    assert "version 2, 1 company, audit id " in done.stdout
    assert fund.planned[0] == "1.00"
    [entry] = fund.told("history", "--version", "2")
    assert (entry["reason"], entry["user_id"], entry["kind"]) == ("so be it", 7, "reallocation")
    assert entry["audit_id"] in done.stdout


def test_a_commit_for_programs(fund: Fund) -> None:
    """One document on stdout, with what was shown and what was done; what was shown before stands on stderr."""
    done = fund.run("commit", fund.proposal("2.00"), "--json", typed="y\n")
    told = json.loads(done.stdout)
    assert (told["preview"]["deltas"][0]["to"], told["commit"]["new_version"]) == ("2.00", 2)
    assert "digest" in done.stderr


def test_a_digest_holds_a_commit_to_its_preview(fund: Fund) -> None:
    """With the digest of what somebody approved just that is done; once anything else is so, nothing is, and who
    changed it is said."""
    sheet = fund.proposal("1.00", "2.00")
    digest = fund.told("preview", sheet)["digest"]
    other = fund.run("commit", fund.proposal("1.00", "2.01"), "--yes", "--digest", digest)
    assert (other.exit_code, "not what the preview with that digest showed" in other.stderr) == (exits.USAGE, True)
    assert fund.told("commit", sheet, "--yes", "--digest", digest)["commit"]["new_version"] == 2
    fund.ann_commits(500)
    late = fund.run("commit", sheet, "--yes", "--digest", digest)
    assert late.exit_code == exits.USAGE
    assert "version 3 is a reallocation of company" in late.stderr
    assert "by ann for user 7" in late.stderr
    assert fund.version == 3


def test_a_sheet_of_an_older_version_is_refused(fund: Fund) -> None:
    """Whoever says for which version a file was made learns who has changed it since, in order and with the reason."""
    fund.ann_commits(500)
    fund.ann_commits(600)
    for what in ("preview", "commit"):
        refused = fund.run(what, fund.proposal("1.00"), "--version", "1")
        assert refused.exit_code == exits.USAGE
        assert "Expected version 1" in refused.stderr
        assert refused.stderr.index("version 2 is a reallocation") < refused.stderr.index("version 3 is a reallocation")
        assert refused.stderr.count("the board's wish") == 2
        assert "version 1 is" not in refused.stderr
    assert fund.version == 3


def test_who_came_between_is_said(fund: Fund, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody commits while a person still reads the preview: nothing of what was shown is done."""

    def slowly(_: str) -> bool:
        fund.ann_commits(500)
        return True

    monkeypatch.setattr(command, "_agreed", slowly)
    refused = fund.run("commit", fund.proposal("1.00"))
    assert refused.exit_code == exits.USAGE
    assert "Expected version 1 of fund" in refused.stderr
    assert "version 2 is a reallocation of company" in refused.stderr
    assert "by ann for user 7" in refused.stderr
    assert fund.planned[0] == "5.00"


def test_what_the_ledger_refuses_names_the_line(fund: Fund) -> None:
    """A company without reserves is found in the sheet; a fund without any says what to do first."""
    refused = fund.run("preview", fund.sheet((fund.companies[0], "1.00", ""), (999_999_999, "1.00", "")))
    assert refused.exit_code == exits.USAGE
    assert "line 3: company 999999999: the fund has no reserves for it" in refused.stderr
    empty = a_fund(fund.house, fund.folder)
    assert "no reserves" in empty.run("show").stdout
    assert "Add companies to its reserves first" in empty.run("preview", empty.proposal("1.00")).stderr
    nowhere = Fund(fund.house, 999_999_999, fund.companies, fund.folder).run("show")
    assert (nowhere.exit_code, "There is no fund 999999999" in nowhere.stderr) == (exits.USAGE, True)


def test_the_history_is_told(fund: Fund) -> None:
    """The newest first, narrowed by user, company and version; set-ups among it."""
    fund.ann_commits(500)
    fund.told("commit", fund.proposal("6.00", "7.00"), "--yes", "--reason", "again")
    assert [one["new_version"] for one in fund.told("history")] == [3, 2, 1]
    assert [one["new_version"] for one in fund.told("history", "--most", "1")] == [3]
    assert [one["new_version"] for one in fund.told("history", "--user", "7")] == [2]
    second = str(fund.companies[1])
    assert [one["new_version"] for one in fund.told("history", "--company", second)] == [3, 1]
    [entry] = fund.told("history", "--version", "3")
    assert [(one["from"], one["to"]) for one in entry["changes"]] == [("5.00", "6.00"), ("3000000.00", "7.00")]
    table = fund.run("history", "--company", second).stdout
    assert f"{second}: 3,000,000.00 → 7.00" in table
    assert f"{fund.companies[0]}: " not in table
    assert "-2,999,993.00" in table
    assert "ann for user 7" in fund.run("history").stdout
    assert "no version" in fund.run("history", "--version", "99").stdout


def test_nothing_runs(tmp_path: Path) -> None:
    """Where no stack runs, the command says so and how to start one."""
    done = CliRunner().invoke(app, ["show", "1", "--data", str(tmp_path / "none")])
    assert (done.exit_code, "drawdown up" in done.stderr) == (exits.NOT_RUNNING, True)


def test_the_books_are_right(house: House) -> None:
    """Whatever was done here, `drawdown check` finds every invariant kept."""
    house.settle()
    house.check()
