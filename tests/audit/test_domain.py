"""Promises of the chain, with no database: every byte counts, and every change is found."""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.domain import (
    BEGINNING,
    SALT_BYTES,
    Facts,
    Head,
    Item,
    Link,
    Walk,
    append,
    cut_accounts,
    entry_hash,
    metadata,
    payload_hash,
)
from tests.audit.records import item
from tests.audit.vectors import VECTORS, facts_of

KEY = b"key"


def chain(length: int) -> list[Link]:
    items = [item("fund.changed", offset) for offset in range(length)]
    return append(BEGINNING, items, bytes(range(length)) * SALT_BYTES)


def problems(links: Sequence[Link], head: Head | None = None, kept: Head | None = None) -> list[tuple[int, str]]:
    walk = Walk(kept=kept)
    walk.take(links)
    walk.finish(head or Head(links[-1].sequence, links[-1].hash))
    return [(p.sequence, p.problem) for p in walk.problems]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_hashes_are_those_of_the_vectors(vector: dict[str, str]) -> None:
    """The hash is a public promise: it is the same in every version of this code, and in anybody else's."""
    facts = facts_of(vector["metadata"])
    assert metadata(facts).decode() == vector["metadata"]
    of_payload = payload_hash(bytes.fromhex(vector["salt"]), bytes.fromhex(vector["payload"]))
    assert of_payload.hex() == vector["payload_hash"]
    assert (
        entry_hash(bytes.fromhex(vector["before"]), int(vector["sequence"]), facts, of_payload).hex() == vector["hash"]
    )


def test_the_hash_is_the_one_described() -> None:
    """Spelled out once more with nothing but SHA-256 and the module's own words."""
    link = append(BEGINNING, [item("fund.changed", 0)], b"s" * 16)[0]
    of_payload = hashlib.sha256(b"\x02" + b"s" * 16 + (link.payload or b"")).digest()
    whole = b"\x00" + bytes(32) + b"\0\0\0\0\0\0\0\x01" + metadata(link.facts) + of_payload
    assert link.hash == hashlib.sha256(whole).digest()


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(deadline=None)
@given(TEXT, st.binary(max_size=20), st.datetimes(timezones=st.just(UTC)))
def test_metadata_is_plain_compact_json(text: str, key: bytes, moment: datetime) -> None:
    """Any JSON library can write the bytes that are hashed."""
    facts = item("fund.changed", 0).facts._replace(actor=text, resource_id=text, key=key, occurred_at=moment)
    told = list(facts)
    told[5] = key.hex()
    told[16:] = [t.isoformat().replace("+00:00", "Z") for t in (moment, facts.recorded_at)]
    assert metadata(facts) == json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def test_a_chain_goes_on_where_it_ended() -> None:
    """Batches leave no trace: the same events give the same chain, however they were cut into batches."""
    items = [item("fund.changed", offset) for offset in range(5)]
    salts = bytes(range(5 * SALT_BYTES))
    whole = append(BEGINNING, items, salts)
    first = append(BEGINNING, items[:2], salts)
    second = append(Head(2, first[-1].hash), items[2:], salts[2 * SALT_BYTES :])
    assert first + second == whole


def test_an_untouched_chain_has_no_problems() -> None:
    """No false alarm, whatever the slices."""
    links = chain(7)
    assert problems(links) == []
    walk = Walk(kept=Head(4, links[3].hash))
    for link in links:
        walk.take([link])
    walk.finish(Head(7, links[-1].hash))
    assert not walk.problems


def edited(**changes: Any) -> Callable[[list[Link]], list[Link]]:
    return lambda links: [*links[:3], links[3]._replace(**changes), *links[4:]]


def told(**changes: Any) -> Callable[[list[Link]], list[Link]]:
    return lambda links: [*links[:3], links[3]._replace(facts=links[3].facts._replace(**changes)), *links[4:]]


def exchanged(links: list[Link]) -> list[Link]:
    one, other = links[3], links[4]
    return [*links[:3], other._replace(sequence=4), one._replace(sequence=5), *links[5:]]


def rehashed(links: list[Link]) -> list[Link]:
    """The edited entry gets a hash that fits it."""
    link = told(actor="nobody")(links)[3]
    fitting = entry_hash(links[2].hash, 4, link.facts, link.payload_hash)
    return [*links[:3], link._replace(hash=fitting), *links[4:]]


def doubled(links: list[Link]) -> list[Link]:
    later = [link._replace(sequence=link.sequence + 1) for link in links[3:]]
    return [*links[:4], *later]


@pytest.mark.parametrize("field", Facts._fields)
def test_every_fact_is_under_the_hash(field: str) -> None:
    """No column of an entry can be edited unseen."""
    links = chain(6)
    was = getattr(links[3].facts, field)
    other: object = {int: 7, str: "x", bytes: b"x", datetime: datetime(2020, 1, 1, tzinfo=UTC), type(None): "x"}[
        type(was)
    ]
    if field == "occurred_at":
        other = None
    assert problems(told(**{field: other})(links)) == [(4, "broken")]


@pytest.mark.parametrize(
    ("mutate", "found"),
    [
        (edited(payload=b"{}"), [(4, "payload_changed")]),
        (edited(salt=bytes(16)), [(4, "payload_changed")]),
        (edited(payload=None, salt=None), [(4, "payload_missing")]),
        (edited(hash=bytes(32)), [(4, "broken"), (5, "broken")]),
        (edited(payload_hash=bytes(32)), [(4, "broken"), (4, "payload_changed")]),
        (lambda links: links[:3] + links[4:], [(4, "missing")]),
        (lambda links: links[1:], [(1, "missing")]),
        (exchanged, [(4, "broken"), (5, "broken"), (6, "broken")]),
        (rehashed, [(5, "broken")]),
        (doubled, [(5, "broken"), (6, "broken"), (7, "broken")]),
    ],
)
def test_every_change_is_found(mutate: Callable[[list[Link]], list[Link]], found: list[tuple[int, str]]) -> None:
    """Edited, removed, exchanged, inserted: the walk says where."""
    links = mutate(chain(6))
    assert problems(links) == found


def test_an_erased_payload_is_no_problem() -> None:
    """What was erased by the rules leaves the chain as it was."""
    links = edited(payload=None, salt=None)(chain(6))
    walk = Walk()
    walk.take(links, frozenset({4}))
    walk.finish(Head(6, links[-1].hash))
    assert (walk.problems, walk.erased) == ([], 1)


def test_a_cut_tail_is_found_by_the_head() -> None:
    """Entries gone from the end are missed by the chain's own head, or else by one that was kept elsewhere."""
    links = chain(6)
    head = Head(6, links[-1].hash)
    cut = links[:4]
    assert problems(cut, head) == [(6, "cut")]
    assert problems(cut) == []
    assert problems(cut, kept=head) == [(6, "cut")]


def test_a_chain_written_anew_is_found_by_a_kept_head() -> None:
    """Whoever hashes the whole chain again gets another head than the one that was kept."""
    links = chain(6)
    items = [Item(link.facts, link.payload or b"") for link in told(actor="nobody")(links)]
    anew = append(BEGINNING, items, bytes(range(6)) * SALT_BYTES)
    assert problems(anew) == []
    assert problems(anew, kept=Head(3, links[2].hash)) == []
    assert problems(anew, kept=Head(5, links[4].hash)) == [(5, "rewritten")]


# ---- account numbers

ACCOUNT = "US64SVBKUS6S3300958879"


@pytest.mark.parametrize(
    "payload",
    [
        '{"remitter":{"name":"Acme LP","account":"ACC"}}',
        '{ "remitter" : { "account" : "ACC" , "name" : "Acme" } }',
        '{"data":{"remitter":{"account":"ACC"}}}',
        '{"remitter":{"\\u0061ccount":"ACC"}}',
        '{"remitter":{"account":"\\u0055S64SVBKUS6S3300958879"}}',
        '{"account":"ACC","other":[{"account":"ACC"}]}',
        '{"remitter":{"account":{"iban":"ACC"}}}',
        '{"remitter":{"account":["ACC"]}}',
        '{"remitter":{"account":"ACC","account":"ACC"}}',
        '{"kind":"account","remitter":{"account":"ACC"}}',
        '{"remitter":{"account":"ACC',
        '{"remitter":{"account":{"iban":"ACC"',
        '{"remitter":{"account":"\\"ACC"}}',
        'broken {"account":"ACC"}',
    ],
)
def test_account_numbers_are_cut(payload: str) -> None:
    """No account number reaches the disk, however its record is written, and be it broken."""
    cut = cut_accounts(payload.replace("ACC", ACCOUNT).encode(), KEY)
    assert b"SVBK" not in cut
    assert b"330095" not in cut


def test_a_number_is_cut_too() -> None:
    """A bank may write an account as a JSON number; its digits are as private."""
    assert b"3300958879" not in cut_accounts(b'{"remitter":{"account":3300958879}}', KEY)


def test_the_rest_of_a_payload_stays_as_it_came() -> None:
    """Only the account is touched: spaces, order and unknown members are part of the record."""
    payload = b'{ "a":1.0,  "remitter": {"account":"US64SVBKUS6S3300958879","name":"\xc3\x84"}, "b":[1e3] }'
    before, after = payload.split(b'"account":"US64SVBKUS6S3300958879"')
    cut = cut_accounts(payload, KEY)
    assert cut.startswith(before)
    assert cut.endswith(after)
    assert json.loads(cut)["remitter"]["account"].endswith("/8879")


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\x00", b'{"amount":"1.00"}', b'{"remitter":{"account":null}}', '{"text":"Ünïcode"}'.encode()],
)
def test_payloads_without_accounts_are_untouched(payload: bytes) -> None:
    """Byte for byte what Kafka held."""
    assert cut_accounts(payload, KEY) == payload


def test_equal_accounts_can_be_recognised() -> None:
    """The keyed hash is the same for the same account, another under another key, and absent without a key."""
    payload = b'{"account":"US64SVBKUS6S3300958879"}'
    assert cut_accounts(payload, KEY) == cut_accounts(payload, KEY) != cut_accounts(payload, b"other")
    assert cut_accounts(payload, KEY) == cut_accounts(b'{"account":"us64 SVBK US6S 3300 9588 79"}', KEY)
    once = cut_accounts(payload, KEY)
    assert cut_accounts(once, KEY) == once
    assert cut_accounts(payload, b"") == b'{"account":"/8879"}'
    assert cut_accounts(b'{"account":"1234567"}', b"") == b'{"account":"/"}'
