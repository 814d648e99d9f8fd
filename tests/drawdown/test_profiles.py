"""Promises of `drawdown profiles`: a bank's way of writing is saved from a file, listed, and shown as it was saved."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from drawdown import exits
from drawdown.profiles import app
from tests.support.house import House

SAMPLES = Path(__file__).parents[2] / "samples" / "bank-files" / "csv"


def drawdown(house: House, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(house.directory.path)], env={"COLUMNS": "160"})


def sample(name: str) -> dict[str, Any]:
    page = json.loads((SAMPLES / f"{name}.csv.expected.json").read_text(encoding="utf-8"))
    profile: dict[str, Any] = page["profile"]
    return profile


def test_profiles_are_saved_listed_and_shown(house: House, tmp_path: Path) -> None:
    """What `show --json` tells can be edited and saved again; the same once more adds nothing."""
    assert "no profiles" in drawdown(house, "list").stdout
    german, yen = sample("german-newest-first"), sample("japanese-yen")
    file = tmp_path / "profile.json"
    for profile in (german, yen):
        file.write_text(json.dumps({"name": profile["name"], "definition": profile["definition"]}), encoding="utf-8")
        done = drawdown(house, "save", str(file))
        assert done.exit_code == exits.OK, done.stderr
        assert f"version 1 of {profile['name']} is saved" in done.stdout

    shown = drawdown(house, "show", "beispielbank-eur", "--json")
    assert shown.exit_code == exits.OK, shown.stderr
    edited = json.loads(shown.stdout)
    assert edited["definition"] == german["definition"]
    file.write_text(shown.stdout, encoding="utf-8")
    assert "version 1 of beispielbank-eur is the newest already" in drawdown(house, "save", str(file)).stdout
    edited["definition"]["layout"]["skip_top"] = 10
    file.write_text(json.dumps(edited), encoding="utf-8")
    assert "version 2 of beispielbank-eur is saved" in drawdown(house, "save", str(file)).stdout

    listed = json.loads(drawdown(house, "list", "--json").stdout)
    assert [(one["name"], one["version"]) for one in listed] == [("beispielbank-eur", 2), ("nihon-rei-ginko-jpy", 1)]
    assert "beispielbank-eur" in drawdown(house, "list").stdout
    first = json.loads(drawdown(house, "show", "beispielbank-eur", "--version", "1", "--json").stdout)
    assert first["definition"] == german["definition"]
    assert '"skip_top": 10' in drawdown(house, "show", "beispielbank-eur").stdout


def test_what_cannot_be_saved_is_told(house: House, tmp_path: Path) -> None:
    """Each wrong member on a line of its own; a file that is no profile is not sent at all."""
    file = tmp_path / "profile.json"
    spoilt = sample("japanese-yen")["definition"] | {"dates": "%Y", "currency": "YEN"}
    file.write_text(json.dumps({"name": "a-bank", "definition": spoilt}), encoding="utf-8")
    done = drawdown(house, "save", str(file))
    assert done.exit_code == exits.USAGE
    assert "definition.dates: must have a year, a month and a day" in done.stderr
    assert "definition.currency: YEN is no currency" in done.stderr
    for text in ("[]", "{", '{"name": "a-bank"}', "\0"):
        file.write_text(text, encoding="utf-8")
        refused = drawdown(house, "save", str(file))
        assert refused.exit_code == exits.USAGE
        assert "is no profile" in refused.stderr


def test_what_is_not_there_is_told(house: House) -> None:
    """A wrong name or version is answered in words, with the exit code of a wrong argument."""
    for arguments in (("show", "nobody"), ("show", "beispielbank-eur", "--version", "99")):
        done = drawdown(house, *arguments)
        assert done.exit_code == exits.USAGE
        assert "beispielbank-eur" in done.stderr or "nobody" in done.stderr
