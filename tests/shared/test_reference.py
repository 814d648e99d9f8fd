"""Promises of payment references: found however a bank prints them, never by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from shared.reference import find, normalise, reference_of

CALLS = st.integers(1, 9_999_999_999)


@given(CALLS)
def test_every_reference_is_a_valid_creditor_reference(call_id: int) -> None:
    """Any bank's own check of ISO 11649 accepts ours, and it always has 15 characters."""
    reference = reference_of(call_id)
    assert iso11649.is_valid(reference)
    assert len(reference) == 15


@given(CALLS, st.sampled_from(["{}", "capital call {} thank you", "/ROC/{}//", "x{}x"]))
def test_a_reference_is_found_in_free_text(call_id: int, sentence: str) -> None:
    """Spaces, separators and case do not hide it."""
    reference = reference_of(call_id)
    grouped = " ".join(reference[i : i + 4] for i in range(0, 15, 4)).lower()
    assert find(sentence.format(reference)) == [call_id]
    assert find(None, sentence.format(grouped)) == [call_id]


def test_a_wrong_digit_is_no_match() -> None:
    """A typo is caught by the check digits, so money never goes to a neighbour's call."""
    assert find("RF98D0000000017") == []
    assert find("RF97D0000000071") == []


def test_several_references_come_in_order_and_once() -> None:
    """The reader learns of every call that is named."""
    one, two = reference_of(1), reference_of(2)
    assert find(f"{two} {one}", one) == [2, 1]


@pytest.mark.parametrize("call_id", [0, -1, 10_000_000_000])
def test_an_id_that_does_not_fit_is_refused(call_id: int) -> None:
    """No reference of another length is ever printed."""
    with pytest.raises(ValueError, match="does not fit"):
        reference_of(call_id)


def test_references_compare_without_spaces_and_case() -> None:
    """What a bank regroups is still the same reference."""
    assert normalise("rf97 d000-0000 017") == "RF97D0000000017"
