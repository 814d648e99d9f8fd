"""Promises of what is read in a payment's texts: right references, slips of the pen, and bare numbers."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.payments.matching import mentions
from shared.ids import CallId
from shared.reference import find, reference_of

CALLS = st.integers(1, 9_999_999_999)
DIGITS = "0123456789"


def slips_of(reference: str) -> list[str]:
    """Every way to get one character of a reference's digits wrong."""
    places = [2, 3, *range(5, 15)]
    wrong = [reference[:p] + digit + reference[p + 1 :] for p in places for digit in DIGITS if digit != reference[p]]
    swapped = [reference[:p] + reference[p + 1] + reference[p] + reference[p + 2 :] for p in range(5, 14)]
    missing = [reference[:p] + reference[p + 1 :] for p in range(5, 15)]
    doubled = [reference[:p] + reference[p] + reference[p:] for p in range(5, 15)]
    return [slip for slip in (*wrong, *swapped, *missing, *doubled) if slip != reference]


@given(CALLS, st.data())
@settings(max_examples=150, deadline=None)
def test_one_slip_is_recognised(call_id: int, data: st.DataObject) -> None:
    """A digit wrong, missing, doubled or swapped: the call that was meant is among those that it looks like."""
    slip = data.draw(st.sampled_from(slips_of(reference_of(call_id))))
    assume(not find(slip))  # some doubled digits leave a right reference, which then decides
    said = mentions(f"capital call {slip} thank you")
    assert CallId(call_id) in said.nearly
    assert said.named == frozenset()


@given(CALLS)
@settings(max_examples=100, deadline=None)
def test_a_right_reference_is_named_and_nothing_else(call_id: int) -> None:
    """However it is spaced; it looks like no other call's, and its digits say nothing more."""
    reference = reference_of(call_id)
    for text in (reference, reference.lower(), f"re: {reference[:4]} {reference[4:9]} {reference[9:]} for the fund"):
        said = mentions(None, text)
        assert said.named == {call_id}
        assert not said.nearly
        assert said.calls == {call_id}


@pytest.mark.parametrize("letter", ["O", "I", "l", "S", "B"])
def test_letters_for_digits_are_recognised(letter: str) -> None:
    """A scanner's O for 0, I and l for 1, S for 5, B for 8."""
    digit = {"O": "0", "I": "1", "l": "1", "S": "5", "B": "8"}[letter]
    call_id = int(f"7{digit}34{digit}")
    reference = reference_of(call_id)
    typed = reference[:5] + reference[5:].replace(digit, letter)
    assert mentions(typed).nearly[CallId(call_id)] == typed.upper()


@pytest.mark.parametrize("text", ["D0000000017", "invoice 0000000017, thanks", "call d0000000017"])
def test_bare_digits_of_a_reference_are_read(text: str) -> None:
    """Ten digits on their own, with or without the D."""
    assert set(mentions(text).bare) == {17}


@pytest.mark.parametrize(
    "text",
    ["", "no reference", "17", "phone 00441234567890", "0000000000", "RF", "RF97", "IBAN DE02120300000000202051"],
)
def test_other_texts_say_nothing(text: str) -> None:
    """Short numbers, longer ones, and texts without any."""
    assert mentions(text, None).calls == frozenset()


def test_a_text_full_of_lookalikes_is_looked_at_in_part() -> None:
    """Four of what begins like a reference; a hostile text does not keep anybody waiting."""
    said = mentions(" ".join(f"RF00D{n:010d}" for n in range(1, 40)))
    assert {1, 2, 3, 4} <= set(said.nearly)
    assert 5 not in said.nearly
