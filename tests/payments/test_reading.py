"""Promises of reading entries without a model of each: what the contract takes is taken, what it refuses is refused."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.consumer import read_entry
from shared.contracts import PaymentReceived, Unreadable, decode
from tests.corpus import currency, dates, envelope, framing, identity, lifecycle, money, text
from tests.corpus.cases import Spot

SPOT: Final = Spot("E1", "bank/acme-usd-1", "USD", 17, "RF97D0000000017", 18, "RF70D0000000018")
TABLES: Final = (envelope, money, currency, identity, dates, lifecycle, text, framing)
RECORDS: Final = [
    pytest.param(record, id=f"{table.__name__.rpartition('.')[2]}-{case}-{n}")
    for table in TABLES
    for case in table.CASES
    for n, say in enumerate(case.said)
    if (record := say.make(SPOT)) is not None
]
FULL: Final[dict[str, Any]] = {
    "source": "bank/acme-usd-1",
    "payment_id": "E1",
    "kind": "credit",
    "amount": "100.00",
    "currency": "USD",
    "value_date": "2026-03-02",
    "call_id": 17,
    "reference": "RF97D0000000017",
    "remittance": "capital call 1",
    "remitter": {"name": "Acme LP", "account": "GB33BUKB20201555555555"},
    "method": "wire",
    "booked_at": "2026-03-02T09:31:00Z",
}
# What a member may be by mistake, or on purpose.
VALUES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["credit", "reversal", "USD", "JPY", "XXX", "0", "0.00", "1.001", "1e3", "999999999999999.9999"]),
    st.sampled_from(["2026-02-30", "2026-03-02", "20260302", "9999-12-31", "2026-03-02T09:31:00+24:00", "x" * 2_001]),
    st.just({"name": "A", "account": None}),
    st.lists(st.integers(), max_size=2),
)
NAMES: Final = [*FULL, "reverses", "something else"]


def outcome(read: Any, data: bytes) -> object:
    """What a reader makes of the bytes: the members, or the reason and detail of its refusal."""
    try:
        return read(data)
    except Unreadable as refusal:
        return refusal.reason, refusal.detail


def by_contract(data: bytes) -> dict[str, Any]:
    return decode(PaymentReceived, data).model_dump()


@pytest.mark.parametrize("record", RECORDS)
def test_the_corpus_is_read_as_by_the_contract(record: bytes) -> None:
    """Every record of the tables of bad input: the same members, or the same words of refusal."""
    assert outcome(read_entry, record) == outcome(by_contract, record)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3), st.sets(st.sampled_from(NAMES), max_size=2))
def test_a_spoiled_entry_is_read_as_by_the_contract(changes: dict[str, Any], without: set[str]) -> None:
    """Whatever stands in its members, or is missing."""
    members = {name: value for name, value in {**FULL, **changes}.items() if name not in without}
    data = json.dumps(members).encode()
    assert outcome(read_entry, data) == outcome(by_contract, data)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=2))
def test_a_broken_entry_is_read_as_by_the_contract(place: int, other: bytes) -> None:
    """Bytes that are no JSON any more, or are another entry."""
    data = json.dumps(FULL).encode()
    data = data[:place] + other + data[place + len(other) :]
    assert outcome(read_entry, data) == outcome(by_contract, data)


def test_a_good_entry_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick reading is the one that runs: the contract's own is asked only for words of refusal."""
    monkeypatch.setattr("shared.contracts.members.decode", None)
    assert read_entry(json.dumps(FULL).encode())["remitter"] == FULL["remitter"]
    with pytest.raises(TypeError):
        read_entry(b"{}")
