"""A fund whose reserves a test works on, by the command line and beside it."""

import csv
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner, Result

from drawdown import exits
from drawdown.reserves import app
from tests.support.desk import Desk
from tests.support.house import House

_SHEETS: Final = itertools.count(1)


@dataclass(frozen=True)
class Fund:
    """A fund with reserves of its own for one test."""

    house: House
    id: int
    companies: list[int]
    folder: Path

    def run(self, what: str, *arguments: object, typed: str | None = None) -> Result:
        words = [what, str(self.id), *map(str, arguments), "--data", str(self.house.directory.path)]
        return CliRunner().invoke(app, words, input=typed, env={"COLUMNS": "200"})

    def told(self, what: str, *arguments: object) -> Any:
        done = self.run(what, *arguments, "--json")
        assert done.exit_code == exits.OK, done.stderr
        return json.loads(done.stdout)

    def sheet(self, *rows: tuple[object, ...], head: str = "company_id,planned_reserves,allocation_cap") -> Path:
        path = self.folder / f"{next(_SHEETS)}.csv"
        with path.open("w", newline="") as out:
            csv.writer(out).writerows([head.split(","), *rows])
        return path

    def proposal(self, *amounts: str) -> Path:
        """New reserves for the first companies."""
        pairs = zip(self.companies, amounts, strict=False)
        return self.sheet(*((company, amount) for company, amount in pairs), head="company_id,planned_reserves")

    @property
    def version(self) -> int:
        version: int = self.told("show")["version"]
        return version

    @property
    def planned(self) -> list[str]:
        return [one["planned_reserves"] for one in self.told("show")["companies"]]

    def post(self, what: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """What somebody else does meanwhile."""
        path = f"/api/funds/{self.id}/reallocation/{what}"
        done = self.house.http.post(path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        assert done.is_success, done.text
        found: dict[str, Any] = done.json()
        return found

    def ann_commits(self, cents: int) -> None:
        """Ann gives the first company another reserve."""
        one = {"company_id": self.companies[0], "planned_reserves_cents": cents}
        body = {"current_version": self.version, "proposed_allocations": [one], "reason": "the board's wish"}
        self.post("commit", {**body, "user_id": 7}, x_actor="ann")


def a_fund(house: House, folder: Path, currency: str = "USD") -> Fund:
    """A fund of 90 million without reserves, and four companies."""
    desk = Desk(house)
    return Fund(house, desk.fund(currency=currency)["id"], [desk.deal()["id"] for _ in range(4)], folder)
