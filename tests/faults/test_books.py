"""Promises of the judge's reading: its statements fit the tables as they are."""

from tests.faults import books
from tests.support.ledger import Ledger


async def test_an_empty_ledger_can_be_read(ledger: Ledger) -> None:
    """Every statement runs on the schema of today, and finds nothing where nothing is."""
    async with ledger.connect_admin() as db:
        told = await books.read(db, heads_before={("payment.received", 0, 1): "00"})
    assert told == books.Books()
