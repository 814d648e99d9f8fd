"""Promises of those who follow a protocol: no byte is lost or changed, and messages are known for what they are."""

import random

import pytest

from tests.faults.network.following import Follower, KafkaFollower, PostgresFollower
from tests.faults.network.rules import Rule, Rules


def message(kind: str, body: bytes) -> bytes:
    return kind.encode() + (4 + len(body)).to_bytes(4) + body


def startup(application: bytes) -> bytes:
    body = (196608).to_bytes(4) + b"user\0ledger\0application_name\0" + application + b"\0\0"
    return (4 + len(body)).to_bytes(4) + body


ENCRYPT = (8).to_bytes(4) + (80877103).to_bytes(4)
EXTENDED = [
    message("P", b"s1\0delete from outbox where id = any($1)\0\0\0"),
    message("B", b"\0s1\0\0\0\0\0\0\0"),
    message("E", b"\0\0\0\0\0"),
    message("S", b""),
]
TO_SERVER = [ENCRYPT, startup(b"drawdown-payments"), message("Q", b"BEGIN;\0"), *EXTENDED, message("Q", b"COMMIT;\0")]
TO_CLIENT = [b"N", message("R", bytes(4)), message("C", b"BEGIN\0"), message("D", b"x" * 99), message("C", b"COMMIT\0")]


def request(key: int, correlation: int, client: bytes) -> bytes:
    body = key.to_bytes(2) + bytes(2) + correlation.to_bytes(4) + len(client).to_bytes(2) + client + b"rest"
    return len(body).to_bytes(4) + body


def in_pieces(follower: Follower, up: bytes, down: bytes, size: int) -> tuple[list[str], list[str]]:
    """Names seen each way when the bytes come in pieces of that size; asserts that they pass unchanged."""
    found: tuple[list[str], list[str]] = ([], [])
    for data, follow, names in ((up, follower.up, found[0]), (down, follower.down, found[1])):
        passed = b""
        for start in range(0, len(data), size):
            for piece in follow(data[start : start + size]):
                passed += piece.data
                if piece.name is not None:
                    names.append(piece.name)
        assert passed == data
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_statements_and_their_answers_are_known(size: int) -> None:
    """However PostgreSQL's bytes are cut up, each statement and each command tag is seen, simple and extended."""
    follower = PostgresFollower()
    names = in_pieces(follower, b"".join(TO_SERVER), b"".join(TO_CLIENT), size)
    assert names == (["BEGIN", "DELETE", "COMMIT"], ["BEGIN", "COMMIT"])
    assert follower.who == "drawdown-payments"


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_requests_and_their_answers_are_known(size: int) -> None:
    """However Kafka's bytes are cut up, an answer is known by the request that it belongs to, in any order."""
    follower = KafkaFollower()
    asked = request(0, 7, b"drawdown/payments") + request(12, 8, b"drawdown/payments") + request(99, 9, b"")
    answered = b"".join((4 + 3).to_bytes(4) + n.to_bytes(4) + b"yes" for n in (8, 7, 9))
    assert in_pieces(follower, asked, answered, size) == (
        ["produce", "heartbeat", "99"],
        ["heartbeat", "produce", "99"],
    )


def test_a_rule_strikes_whom_it_means_as_often_as_it_says() -> None:
    """Kind, message and name must fit; after `times` it strikes no more; every strike is counted."""
    rules = Rules(random.Random(1))
    rules.arm(Rule("swallow", message="COMMIT", who="payments", times=2))
    strangers = [
        *rules.met("lose", who="drawdown-payments", message="COMMIT"),
        *rules.met("swallow", who="drawdown-payments", message="BEGIN"),
        *rules.met("swallow", who="drawdown-audit", message="COMMIT"),
    ]
    strikes = [len(list(rules.met("swallow", who="drawdown-payments", message="COMMIT"))) for _ in range(3)]
    assert (strangers, strikes, dict(rules.counts)) == ([], [1, 1, 0], {"swallow COMMIT": 2})


def test_chance_is_the_seed_s() -> None:
    """The same seed strikes at the same places; another seed at others."""

    def strikes(seed: int) -> list[bool]:
        rules = Rules(random.Random(seed))
        rules.arm(Rule("lose", message="COMMIT", chance=0.5))
        return [any(rules.met("lose", who="x", message="COMMIT")) for _ in range(64)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 10 < sum(strikes(1)) < 54
