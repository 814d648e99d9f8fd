"""One house for the whole corpus: each category has its own funds in it."""

from collections.abc import Iterator

import pytest

from tests.support import house as house_
from tests.support import ledger as ledger_
from tests.support.house import House
from tests.support.servers import Servers


@pytest.fixture(scope="session")
def house(servers: Servers, ledger_template: str) -> Iterator[House]:
    """The four services and the front as real processes, for every category."""
    with ledger_.copy(servers, ledger_template) as fresh, house_.furnished(servers, fresh) as furnished:
        yield furnished
