"""Promises of dead letters: each kept once with its very bytes, and published in a form that Kafka always takes."""

import json
import os
from datetime import UTC, datetime

from shared import dead_letters, topics
from shared.dead_letters import DeadLetter
from shared.kafka.records import Arrival
from shared.outbox import headers_from_text
from tests.support.ledger import Ledger

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def letter(
    *, topic: str = topics.DEAL_CHANGED, offset: int = 0, key: bytes | None = b"k", header: bytes = b"1"
) -> DeadLetter:
    arrival = Arrival(topic, 0, 1, offset, key, b"\xff", (("n", header),), 1_000)
    return DeadLetter(arrival, "bad_json", "no JSON")


async def test_the_same_record_is_kept_and_published_once(ledger: Ledger) -> None:
    """A batch seen twice, or a full replay, adds nothing."""
    async with ledger.connect("metrics") as db:
        for _ in range(2):
            await dead_letters.add(db, [letter(), letter(offset=1)], NOW)
        assert await db.fetchval("select count(*) from dead_letter") == 2
        assert await db.fetchval("select count(*) from outbox_event where topic = 'deal.changed.dlt'") == 2


async def test_a_huge_key_and_huge_headers_stay_in_the_table(ledger: Ledger) -> None:
    """A record of all that Kafka takes, and the reasons on top, would be more than Kafka takes, and hold up its key."""
    key, header = os.urandom(500_000), os.urandom(500_000)
    async with ledger.connect("metrics") as db:
        await dead_letters.add(db, [letter(key=key, header=header)], NOW)
        kept = await db.fetchrow("select key, headers from dead_letter")
        sent = await db.fetchrow("select key, headers from outbox_event")
    assert kept is not None
    assert (kept["key"], headers_from_text(kept["headers"])) == (key, [("n", header)])
    assert sent is not None
    assert sent["key"] == key[:1024]
    assert [name for name, _ in json.loads(sent["headers"])][:2] == ["dlt-topic", "dlt-partition"]


async def test_a_dead_letter_of_a_dead_letter_is_only_kept(ledger: Ledger) -> None:
    """Audit reads the ``.dlt`` topics too; one more topic behind them exists nowhere, and would stop its relay."""
    async with ledger.connect("audit") as db:
        await dead_letters.add(db, [letter(topic=topics.DEAD_LETTERS[0])], NOW)
        assert await db.fetchval("select count(*) from dead_letter") == 1
        assert await db.fetchval("select count(*) from outbox") == 0
