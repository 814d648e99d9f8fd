"""Promises of what an entry says, and names: each valid reference of ours, however it is written, and nothing else."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.domain import Entry, Kind, named_calls
from shared.ids import CallId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.making import credit
from tests.payments.model import Wire
from tests.payments.subjects import START, InMemory, entry_of
from tests.support.effort import effort

calls = st.integers(1, 4)
noise = st.sampled_from(["", " ", "INV 12", "RF", "rf18", "D0000000001", "/", "thanks", "RF18539007547034"])


def right(call: int, how: int) -> str:
    """The reference of a call as banks and people write it."""
    plain = reference_of(call)
    return [plain, plain.lower(), " ".join((plain[:4], plain[4:8], plain[8:])), "-".join(plain), f"({plain})"][how]


def wrong(call: int, how: int) -> str:
    """Almost the reference of a call: another check digit, a digit less, another letter."""
    plain = reference_of(call)
    digit = str((int(plain[3]) + 1) % 10)
    return [plain[:3] + digit + plain[4:], plain[:-1] + "x", plain.replace("D", "E"), plain[1:]][how % 4]


# Pieces of text, each with the call that it names, if any.
pieces = st.one_of(
    st.builds(lambda call, how: (right(call, how), call), calls, st.integers(0, 4)),
    st.builds(lambda call, how: (wrong(call, how), None), calls, st.integers(0, 3)),
    noise.map(lambda text: (text, None)),
)
texts = st.one_of(st.none(), st.lists(pieces, max_size=4))


@effort(150)
@given(call_id=st.one_of(st.none(), calls), reference=texts, remittance=texts)
def test_an_entry_names_what_it_says(
    call_id: int | None,
    reference: list[tuple[str, int | None]] | None,
    remittance: list[tuple[str, int | None]] | None,
) -> None:
    """The call given by id, then each that a valid reference names, in the order of the text, each once: spaces, case
    and separators do not count, a wrong check digit is no reference, and several in one text are several."""
    entry = credit(
        call_id=call_id,
        reference=None if reference is None else " ; ".join(text for text, _ in reference),
        remittance=None if remittance is None else " ; ".join(text for text, _ in remittance),
    )
    said = [call_id, *(call for _, call in reference or ()), *(call for _, call in remittance or ())]
    assert named_calls(entry) == tuple(dict.fromkeys(CallId(call) for call in said if call is not None))


# ---- what makes an entry another one

CONTENT: Final[Mapping[str, object]] = {
    "kind": Kind.REVERSAL,
    "amount": Minor(401),
    "currency": "EUR",
    "value_date": date(2026, 3, 3),
    "call_id": CallId(2),
    "reference": reference_of(2),
    "reverses": "X",
}
ASIDE: Final[Mapping[str, object]] = {
    "remittance": "with thanks",
    "remitter": "somebody else",
    "account_hash": b"x" * 32,
    "account_last4": "0042",
    "method": "wire",
    "booked_at": START,
}


@pytest.mark.parametrize("member", [*CONTENT, *ASIDE])
def test_what_contradicts_an_entry(member: str) -> None:
    """Kind, amount, currency, value date, call, reference and what is reversed make an entry what it is: each of them
    changed is a contradiction, on record once; anything else changed says nothing new."""
    subject = InMemory()
    entry = entry_of(Wire("bank/acme", "E1", 400, START.date(), call=1, reference=1))
    told = replace(entry, **{member: {**CONTENT, **ASIDE}[member]})  # type: ignore[arg-type]  # a member by its name
    for batch in ([entry], [told, entry], [told, told]):
        subject.take_in(batch, 0)
    assert [conflict.entry for conflict in subject.conflicts] == ([told] if member in CONTENT else [])
    assert [payment.entry for payment in subject.payments.values()] == [entry]
    assert {*CONTENT, *ASIDE} == {each.name for each in fields(Entry)} - {"source", "external_id"}
