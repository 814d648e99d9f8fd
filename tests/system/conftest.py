"""A desk at each house."""

import pytest

from tests.support.desk import Desk
from tests.support.house import House


@pytest.fixture(scope="module")
def desk(house: House) -> Desk:
    """An operator of the module's house."""
    return Desk(house)
