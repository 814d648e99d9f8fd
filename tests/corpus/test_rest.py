"""Promises about requests: what is wrong is refused clearly, changes nothing, and stands in nobody's way."""

from typing import Final

import pytest

from tests.corpus import asking, commands, rest, values
from tests.corpus.asking import Answered, Ask
from tests.support.house import House

pytestmark = pytest.mark.timeout(600)  # the first test waits for its whole table

TABLES: Final[dict[str, list[Ask]]] = {"rest": rest.CASES, "values": values.CASES, "commands": commands.CASES}
EACH: Final = [pytest.param(ask, id=f"{name}-{ask}") for name, asks in TABLES.items() for ask in asks]


@pytest.fixture(scope="module")
def answered(house: House) -> dict[str, Answered]:
    """Every request, sent twice."""
    return asking.run(house, [ask for asks in TABLES.values() for ask in asks])


@pytest.mark.parametrize("ask", EACH)
def test_each_request(ask: Ask, answered: dict[str, Answered]) -> None:
    """The answer has its status and its code and says what is wrong, no row changed, and the good request right behind
    it is done."""
    assert asking.complaints(ask, answered[ask.id]) == []
