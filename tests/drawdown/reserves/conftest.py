"""Reserves that a test may move."""

from pathlib import Path

import pytest

from drawdown import exits
from tests.drawdown.reserves.fund import Fund, a_fund
from tests.support.house import House


@pytest.fixture
def fund(house: House, tmp_path: Path) -> Fund:
    """Reserves of 4, 3, 2 and 1 million, the last with a cap of 1.5 million, at version 1."""
    made = a_fund(house, tmp_path)
    one, two, three, four = made.companies
    rows = [(one, "4000000.00"), (two, "3000000"), (three, "2000000.00")]
    sheet = made.sheet(*((*row, "") for row in rows), (four, "1000000.00", "1500000.00"))
    done = made.run("set", sheet, "--reason", "as agreed")
    assert done.exit_code == exits.OK, done.stderr
    return made
