"""One small import on real servers, timed until every total is right."""

import pytest

from bench import importing
from tests.support.servers import directory

pytestmark = pytest.mark.timeout(600)  # it starts servers, four services and their front


def test_an_import_is_timed_until_every_total_is_right() -> None:
    """The command's end is not the end: what counts is when every fund shows what its rows come to."""
    with directory() as home:
        work = home.path / "work"
        work.mkdir(mode=0o711)
        done = importing.measure(work, rows=500)
    assert done.rows == 500
    assert 0 < done.taken_seconds <= done.seconds
    assert done.rate == pytest.approx(500 / done.seconds)
