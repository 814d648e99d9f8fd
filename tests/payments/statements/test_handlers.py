"""Promises of the use cases: a transaction that fails keeps nothing, and accounts are shown no further than needed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest

from drawdown.samples import Line, camt053
from services.payments.feeds import BankFile, NotTaken, Problem, read
from services.payments.statements import handlers
from services.payments.statements.handlers import Upload
from services.payments.statements.spool import Spool
from services.payments.statements.store import StoredFile
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused
from tests.support.ledger import Ledger

NOW = datetime(2026, 3, 3, tzinfo=UTC)
DAY = date(2026, 3, 2)


@contextmanager
def wires(count: int) -> Iterator[Upload]:
    lines = [Line("1.00", DAY, bank_reference=f"B-{number}", remittance="wire") for number in range(count)]
    data = camt053("S-1", "4000123456", "USD", "0.00", lines)
    with Spool.of(data) as spool:
        yield Upload(spool, read(spool), "bank/acme-usd-1")


async def test_a_transaction_that_fails_keeps_nothing(ledger: Ledger) -> None:
    """File, statements, entries and events are one transaction: all of them, or none."""
    async with ledger.connect("payments") as db:
        with wires(3) as upload, pytest.raises(RuntimeError, match="power is gone"):
            await _take_and_fail(db, upload)
        for table in ("statement_source", "bank_file", "statement", "statement_entry", "outbox"):
            assert await db.fetchval(f"select count(*) from {table}") == 0


async def _take_and_fail(db: Connection, upload: Upload) -> None:
    async with db.transaction():
        taken = await handlers.take_file(db, upload, account_key=b"", now=NOW, origin=Origin())
        assert isinstance(taken, StoredFile)
        raise RuntimeError("power is gone")


async def test_many_entries_are_a_few_statements(ledger: Ledger) -> None:
    """Two thousand entries go in and come back whole."""
    async with ledger.connect("payments") as db:
        with wires(2_000) as upload:
            async with db.transaction():
                taken = await handlers.take_file(db, upload, account_key=b"", now=NOW, origin=Origin())
        assert isinstance(taken, StoredFile)
        assert taken.statements[0].sums.difference(taken.statements[0].opening, taken.statements[0].closing) == 0
        assert await db.fetchval("select count(*) from outbox_event where topic = 'payment.received'") == 2_000


async def test_entries_keep_their_places_over_the_borders_of_slices(ledger: Ledger) -> None:
    """A file is done a thousand entries at a time, whichever statements they are of: each stands where it stood, is
    sent on once and in its order."""
    ids = [[f"{name}-{number}" for number in range(700)] for name in "ABC"]
    lines = [[Line("1.00", DAY, bank_reference=id, remittance="wire") for id in some] for some in [*ids, ids[0]]]
    files = [read(camt053(f"S-{n}", "4000123456", "USD", "0.00", some)) for n, some in enumerate(lines)]
    together = BankFile("camt.053.001.08", tuple(s for f in files if isinstance(f, BankFile) for s in f.statements))
    async with ledger.connect("payments") as db:
        with Spool.of(b"all four") as spool:
            upload = Upload(spool, together, "bank/acme-usd-1")
            async with db.transaction():
                looked = await handlers.look_at_file(db, upload, account_key=b"", now=NOW)
                taken = await handlers.take_file(db, upload, account_key=b"", now=NOW, origin=Origin())
        assert isinstance(taken, StoredFile)
        assert isinstance(looked, StoredFile)
        for file in (taken, looked):
            shown = [[shown.entry.payment_id for shown in one.entries] for one in file.statements]
            assert shown == [*ids, ids[0]]
        sent = await db.fetch("select payload from outbox_event where topic = 'payment.received' order by id, number")
        assert [json.loads(row["payload"])["payment_id"] for row in sent] == [id for some in ids for id in some]


def test_a_refusal_names_every_place() -> None:
    """The first in words, all of them as a list, and what to do."""
    refused = handlers.not_taken(NotTaken("camt.053.001.08", (Problem("line 3", "bad"), Problem("line 9", "worse"))))
    assert isinstance(refused, Refused)
    assert refused.detail == "the file is not taken: line 3: bad (and 1 more)"
    assert refused.facts["problems"] == [{"where": "line 3", "what": "bad"}, {"where": "line 9", "what": "worse"}]
    assert refused.advice


@pytest.mark.parametrize(("account", "shown"), [("DE02120300000000202051", "…2051"), ("1234567", "…"), ("", "…")])
def test_an_account_is_shown_by_its_end(account: str, shown: str) -> None:
    """And not at all where its end is most of it."""
    assert handlers.show_account(account) == shown
