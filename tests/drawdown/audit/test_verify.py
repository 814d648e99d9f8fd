"""Promises of the independent verifier: no false alarm, and no change of the record that it does not find."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from drawdown.audit import reading
from drawdown.audit.verify import Chain, Mark, Name, Row, as_document, chained, heads_of, sealed
from services.audit import handlers, store
from services.audit.domain import ChainId, Head
from tests.audit.records import NOW, arrival, item
from tests.support.ledger import Ledger

VECTORS = json.loads((Path(__file__).parents[2] / "audit" / "vectors.json").read_text())
FUNDS = Name("fund.changed", 0)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_hashes_are_those_of_the_vectors(vector: dict[str, str]) -> None:
    """Two programs that never saw each other's code come to the same hashes."""
    row = Row(
        sequence=int(vector["sequence"]),
        told=tuple(json.loads(vector["metadata"])),
        payload_hash=vector["payload_hash"],
        hash=vector["hash"],
        salt=vector["salt"],
        payload=vector["payload"],
        erased=False,
    )
    assert sealed(vector["salt"], vector["payload"]) == vector["payload_hash"]
    assert chained(row, vector["before"]) == vector["hash"]


def test_heads_can_be_written_and_read() -> None:
    """What `heads` prints is what `--heads` takes; anything else is refused."""
    kept = {FUNDS: Mark(3, "ab" * 32), Name("deal.changed", 5): Mark(0, "00" * 32)}
    assert heads_of(json.loads(json.dumps(as_document(kept)))) == kept
    not_heads: list[object] = [{}, [], {"heads": {}}, {"heads": [{}]}, {"heads": [{"topic": "x", "partition": "0"}]}]
    for wrong in not_heads:
        with pytest.raises(ValueError, match="head"):
            heads_of(wrong)


async def fill(ledger: Ledger) -> dict[Name, Mark]:
    """A record of a few chains, and its heads."""
    async with ledger.connect("audit") as db:
        for batch in range(3):
            items = [item("fund.changed", 2 * batch + n) for n in range(2)]
            items += [item("payment.received", 10 * batch + n, partition=n % 2, key=None) for n in range(5)]
            items += [
                item("payment.received.dlt", batch, b"\x00\xff{", ce_time="0999-01-01T00:00:00Z", ce_subject="ä/€")
            ]
            async with db.transaction():
                await handlers.record(db, items)
    async with reading.snapshot(ledger.url("audit")) as db:
        return await reading.heads(db)


async def walked(ledger: Ledger, kept: dict[Name, Mark] | None = None) -> list[Chain]:
    async with reading.snapshot(ledger.url("audit")) as db:
        return await reading.verify(db, kept)


async def found(ledger: Ledger, kept: dict[Name, Mark] | None = None) -> list[tuple[str, int, str]]:
    return [
        (str(flaw.chain), flaw.sequence, flaw.problem) for chain in await walked(ledger, kept) for flaw in chain.flaws
    ]


async def found_by_the_service(ledger: Ledger, kept: dict[Name, Mark] | None = None) -> bool:
    heads = {ChainId(*name): Head(mark.sequence, bytes.fromhex(mark.hash)) for name, mark in (kept or {}).items()}
    async with ledger.connect("audit") as db:
        return any(walk.problems for walk in (await handlers.verify(db, kept=heads)).values())


async def test_an_untouched_record_has_no_flaws(ledger: Ledger) -> None:
    """No false alarm: foreign bytes, missing keys, old dates, several partitions and an erased payload."""
    heads = await fill(ledger)
    async with ledger.connect("audit") as db:
        assert await handlers.erase(db, ChainId("payment.received", 0), 2, reason="asked for", by="ada", now=NOW)
    chains = await walked(ledger, heads)
    assert [chain.flaws for chain in chains] == [[]] * 4
    assert {chain.name: chain.end for chain in chains} == heads
    assert sum(chain.erased for chain in chains) == 1
    assert not await found_by_the_service(ledger, heads)


ROW = "where topic_id = (select id from audit.topic where name = 'fund.changed') and partition = 0"
LATER = "select topic_id, partition, max(sequence) + 1"
MUTATIONS: dict[str, tuple[str, list[tuple[str, int, str]]]] = {
    "an edited actor": (
        f"update audit.entry set actor = 'somebody' {ROW} and sequence = 3",
        [("fund.changed/0", 3, "broken")],
    ),
    "an edited time": (
        f"update audit.entry set recorded_at = recorded_at - interval '1 microsecond' {ROW} and sequence = 3",
        [("fund.changed/0", 3, "broken")],
    ),
    "an edited offset": (
        f"update audit.entry set record_offset = 99 {ROW} and sequence = 1",
        [("fund.changed/0", 1, "broken")],
    ),
    "nothing for a text": (
        f"update audit.entry set type = null {ROW} and sequence = 6",
        [("fund.changed/0", 6, "broken")],
    ),
    "an edited payload": (
        (
            "update audit.entry set data = convert_to(replace(convert_from(data, 'UTF8'), '250', '350'), 'UTF8')"
            f"{ROW} and sequence = 2"
        ),
        [("fund.changed/0", 2, "payload_changed")],
    ),
    "another salt": (
        f"update audit.entry set salt = decode(repeat('ab', 16), 'hex') {ROW} and sequence = 2",
        [("fund.changed/0", 2, "payload_changed")],
    ),
    "a payload removed unsaid": (
        f"update audit.entry set salt = null, data = null {ROW} and sequence = 2",
        [("fund.changed/0", 2, "payload_missing")],
    ),
    "a removed row": (
        f"delete from audit.entry {ROW} and sequence = 3",
        [("fund.changed/0", 4, "missing")],
    ),
    "the first row removed": (
        f"delete from audit.entry {ROW} and sequence = 1",
        [("fund.changed/0", 2, "missing")],
    ),
    "rows in another order": (
        (
            f"update audit.entry set sequence = -sequence {ROW} and sequence in (3, 4);"
            f"update audit.entry set sequence = 7 + sequence {ROW} and sequence < 0;"
        ),
        [("fund.changed/0", 3, "broken"), ("fund.changed/0", 4, "broken"), ("fund.changed/0", 5, "broken")],
    ),
    "an inserted row": (
        (
            f"update audit.entry set sequence = 1000 + sequence {ROW} and sequence > 3;"
            f"update audit.entry set sequence = sequence - 999 {ROW} and sequence > 1000;"
            f"create temp table twin as select * from audit.entry {ROW} and sequence = 3;"
            "update twin set sequence = 4, identity = 'forged'; insert into audit.entry select * from twin;"
        ),
        [
            ("fund.changed/0", 4, "broken"),
            ("fund.changed/0", 5, "broken"),
            ("fund.changed/0", 6, "broken"),
            ("fund.changed/0", 7, "broken"),
            ("fund.changed/0", 6, "head"),
        ],
    ),
    "a row too many at the end": (
        (
            f"create temp table twin as select * from audit.entry {ROW} and sequence = 6;"
            "update twin set sequence = 7, identity = 'forged'; insert into audit.entry select * from twin;"
        ),
        [("fund.changed/0", 7, "broken"), ("fund.changed/0", 6, "head")],
    ),
    "a cut tail": (
        f"delete from audit.entry {ROW} and sequence > 4",
        [("fund.changed/0", 6, "cut")],
    ),
    "a lost head": (
        f"delete from audit.chain {ROW}",
        [("fund.changed/0", 6, "head")],
    ),
    "an edited head": (
        f"update audit.chain set hash = decode(repeat('ab', 32), 'hex') {ROW}",
        [("fund.changed/0", 6, "head")],
    ),
    "another name for a topic": (
        "update audit.topic set name = 'fund.altered' where name = 'fund.changed'",
        [("fund.altered/0", n, "broken") for n in range(1, 7)],
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
async def test_every_change_is_found(ledger: Ledger, name: str) -> None:
    """Whoever owns the database can change it; they cannot do so unseen."""
    await fill(ledger)
    sql, flaws = MUTATIONS[name]
    async with ledger.connect_admin() as db:
        await db.execute("alter table audit.entry drop constraint entry_sequence_check")
        await db.execute(sql)
    assert await found(ledger) == flaws
    # The service walks up to its own heads; what has no head, or lies beyond it, is this verifier's to find.
    assert await found_by_the_service(ledger) or name in {"a row too many at the end", "a lost head"}


async def rewrite(ledger: Ledger, statement: str) -> None:
    """Change the record as somebody would who knows how it is hashed: every hash and head is written anew."""
    async with ledger.connect_admin() as admin:
        await admin.execute(statement)
        links = [
            row["sequence"] for row in await admin.fetch(f"select sequence from audit.entry {ROW} order by sequence")
        ]
        before = "00" * 32
        for sequence in links:
            row = await _row(ledger, sequence)
            before = chained(row, before)
            await admin.execute(
                f"update audit.entry set hash = $1 {ROW} and sequence = $2", bytes.fromhex(before), sequence
            )
        await admin.execute(f"update audit.chain set sequence = $1, hash = $2 {ROW}", links[-1], bytes.fromhex(before))


async def _row(ledger: Ledger, sequence: int) -> Row:
    async with reading.snapshot(ledger.url("audit")) as db:
        topic_id = await db.fetchval("select id from audit.topic where name = 'fund.changed'")
        rows = {row.sequence: row async for row in reading._rows(db, FUNDS, topic_id)}
    return rows[sequence]


@pytest.mark.parametrize(
    ("statement", "flaws"),
    [
        (f"update audit.entry set actor = 'somebody' {ROW} and sequence = 3", [("fund.changed/0", 6, "rewritten")]),
        (f"delete from audit.entry {ROW} and sequence > 4", [("fund.changed/0", 6, "cut")]),
    ],
    ids=["rehashed", "cut"],
)
async def test_a_record_made_whole_again_is_found_by_a_kept_head(
    ledger: Ledger, statement: str, flaws: list[tuple[str, int, str]]
) -> None:
    """A chain written anew, or cut with its head, is perfect in itself; a head kept elsewhere is not fooled."""
    kept = await fill(ledger)
    await rewrite(ledger, statement)
    assert await found(ledger) == []
    assert await found(ledger, kept) == flaws
    assert await found_by_the_service(ledger, kept)


async def test_a_chain_that_is_gone_is_found_by_a_kept_head(ledger: Ledger) -> None:
    """Nothing is left of it but what somebody kept."""
    kept = await fill(ledger)
    async with ledger.connect_admin() as db:
        await db.execute(f"delete from audit.entry {ROW}; delete from audit.chain {ROW}")
    assert await found(ledger) == []
    assert await found(ledger, kept) == [("fund.changed/0", 6, "cut")]


async def test_a_kept_head_stays_good_while_the_chain_grows(ledger: Ledger) -> None:
    """Heads of any day before prove the record of today."""
    kept = await fill(ledger)
    async with ledger.connect("audit") as db, db.transaction():
        await handlers.record(db, [item("fund.changed", 50 + n) for n in range(5)])
    assert await found(ledger, kept) == []


async def exported(ledger: Ledger) -> list[str]:
    async with reading.snapshot(ledger.url("audit")) as db:
        return [line async for line in reading.export(db)]


def flaws_of(lines: Sequence[str], kept: dict[Name, Mark] | None = None) -> list[tuple[str, int, str]]:
    chains = reading.verify_export(io.StringIO("\n".join(lines)), kept)
    return [(str(flaw.chain), flaw.sequence, flaw.problem) for chain in chains for flaw in chain.flaws]


async def test_an_export_proves_the_same(ledger: Ledger) -> None:
    """The record can be verified on another machine, and every change of the export is found too."""
    kept = await fill(ledger)
    lines = await exported(ledger)
    assert flaws_of(lines, kept) == []
    place = next(n for n, line in enumerate(lines) if json.loads(line)["chain"] == list(FUNDS)) + 3
    told: dict[str, Any] = json.loads(lines[place])
    assert flaws_of([*lines[:place], *lines[place + 1 :]]) == [("fund.changed/0", 4, "missing")]
    told["told"][4] += 1
    assert flaws_of([*lines[:place], json.dumps(told), *lines[place + 1 :]]) == [("fund.changed/0", 3, "broken")]
    assert [flaw[2] for flaw in flaws_of(lines[:-1])] == ["cut"]
    with pytest.raises(ValueError, match="export"):
        flaws_of(["{}"])


async def test_long_chains_are_walked_in_slices(ledger: Ledger) -> None:
    """More rows than one slice holds are walked to the end."""
    async with ledger.connect("audit") as db, db.transaction():
        await handlers.record(db, [item("fund.changed", n) for n in range(4_500)])
        head = (await store.heads(db))[ChainId("fund.changed", 0)]
    (chain,) = await walked(ledger)
    assert (chain.end, chain.flaws) == (Mark(4_500, head.hash.hex()), [])


async def test_large_payloads_are_walked_in_slices(ledger: Ledger) -> None:
    """More bytes than one slice holds are walked to the end, and a change behind the first slice is found."""
    async with ledger.connect("audit") as db, db.transaction():
        await handlers.record(db, [item("reserve.reallocated", n, b"x" * 1_000_000) for n in range(20)])
    (chain,) = await walked(ledger)
    assert (chain.end.sequence, chain.flaws) == (20, [])
    async with ledger.connect_admin() as db:
        await db.execute("update audit.entry set data = data || '!' where sequence = 19")
    assert await found(ledger) == [("reserve.reallocated/0", 19, "payload_changed")]


async def test_no_account_number_stands_in_an_export(ledger: Ledger) -> None:
    """What leaves the house holds no more than what is stored."""
    async with ledger.connect("audit") as db, db.transaction():
        await handlers.record(
            db, [item("payment.received", 0), item("payment.received", 1, arrival("x", 0, b"{").value)]
        )
    assert not any(b"SVBK".hex() in line for line in await exported(ledger))
