"""Promises of the explanation: what decided, what was passed over and why, from what is stored alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.domain import (
    Clue,
    Entry,
    PassedOver,
    PostingKind,
    Rule,
    Where,
    arrived,
    explain,
    named_calls,
)
from services.payments.domain.explaining import EXPLANATIONS
from services.payments.domain.payments import Posting
from services.payments.domain.receiving import receive
from shared.ids import CallId, PaymentId, PostingId
from shared.reference import reference_of
from tests.payments.making import NOW, book, call, credit, ids
from tests.support.effort import effort

OURS = reference_of(17)
OTHER = reference_of(18)
WRONG = OURS[:2] + "00" + OURS[4:]


def posting(entry: Entry, call_id: int, rule: Rule) -> Posting:
    """An application of an entry to a call."""
    return Posting(
        *(PostingId(1), PaymentId(1), entry.source, entry.external_id, CallId(call_id), 2, PostingKind.APPLIED),
        *(entry.amount, entry.currency, entry.value_date, NOW, rule),
    )


def booked(entry: Entry) -> Posting:
    """The application as the rules make it."""
    (made,) = receive(book(call(17), call(18)), [arrived(entry)], ids(), NOW).postings
    return made


@pytest.mark.parametrize(
    ("given_", "rule", "inputs"),
    [
        ({}, Rule.CALL_ID, [(Where.CALL_ID, "17")]),
        ({"reference": OURS}, Rule.CALL_ID, [(Where.CALL_ID, "17"), (Where.REFERENCE, OURS)]),
        ({"call_id": None, "reference": OURS}, Rule.REFERENCE, [(Where.REFERENCE, OURS)]),
        (
            {"call_id": None, "remittance": f"for {OURS[:4]} {OURS[4:9].lower()} {OURS[9:]}, thanks"},
            Rule.REFERENCE,
            [(Where.REMITTANCE, OURS)],
        ),
        (
            {"call_id": None, "reference": OURS.lower(), "remittance": OURS},
            Rule.REFERENCE,
            [(Where.REFERENCE, OURS), (Where.REMITTANCE, OURS)],
        ),
    ],
)
def test_what_named_the_call_is_told(given_: dict[str, Any], rule: Rule, inputs: list[tuple[Where, str]]) -> None:
    """The id as given; references as they are compared, in capitals and without spaces, and where each stood."""
    entry = credit(**given_)
    told = explain(entry, booked(entry))
    assert (told.rule, told.refused) == (rule, ())
    assert told.inputs == tuple(Clue(where, text, CallId(17)) for where, text in inputs)


def test_what_did_not_decide_is_told_with_why() -> None:
    """Wrong check digits, a reference of somebody else's, and no call's number."""
    entry = credit(remittance=f"{WRONG} / RF18539007547034 / {reference_of(1)[:2]}00D0000000000")
    told = explain(entry, booked(entry))
    assert {(one.text, one.why) for one in told.refused} == {
        (WRONG, "its check digits are wrong"),
        ("RF18539007547034", "a creditor reference, but none of ours"),
        ("RF00D0000000000", "its check digits are wrong"),
    }


def test_two_calls_that_differ_decide_nothing() -> None:
    """Of held money it is told what named which call, and that neither decided."""
    told = explain(credit(reference=OTHER))
    assert (told.rule, told.inputs) == (None, ())
    assert {(one.where, one.call_id) for one in told.refused} == {(Where.CALL_ID, 17), (Where.REFERENCE, 18)}
    assert explain(credit(call_id=None)).refused == ()
    held = explain(credit(call_id=None, reference=OTHER))
    assert (held.rule, held.inputs) == (Rule.REFERENCE, (Clue(Where.REFERENCE, OTHER, CallId(18)),))


def test_a_person_who_decides_passes_over_what_the_texts_say() -> None:
    """What agrees with the person is an input, what names another call is passed over."""
    entry = credit(reference=OTHER)
    told = explain(entry, posting(entry, 18, Rule.PERSON))
    assert told.rule is Rule.PERSON
    assert told.inputs == (Clue(Where.REFERENCE, OTHER, CallId(18)),)
    assert told.refused == (PassedOver(Where.CALL_ID, "17", CallId(17), "a person decided for call 18"),)


def test_what_stood_beyond_the_text_that_is_kept_is_told_so() -> None:
    """Of a long text only its beginning is stored; the rule that was used is stored too."""
    whole = credit(call_id=None, remittance="x" * 600 + OURS)
    kept = replace(whole, remittance="x" * 500)
    told = explain(kept, booked(whole))
    assert (told.rule, told.inputs[0].call_id) == (Rule.REFERENCE, 17)
    assert "beyond" in told.inputs[0].text


def test_a_way_to_explain_has_a_name_for_ever() -> None:
    """So that what was explained once is explained alike after the rules have changed."""
    entry = credit()
    assert set(EXPLANATIONS) >= {"matching_1"}
    assert explain(entry, by="matching_1").by == explain(entry).by == "matching_1"


pieces = st.sampled_from(
    [OURS, OTHER, OURS.lower(), WRONG, "RF18539007547034", "RF", "D0000000017", "thanks", " ", "/"]
)
texts = st.one_of(st.none(), st.lists(pieces, min_size=1, max_size=5).map(" ".join))


@effort(150)
@given(call_id=st.sampled_from([None, 17, 18]), reference=texts, remittance=texts)
def test_the_explanation_is_what_the_rules_did(
    call_id: int | None, reference: str | None, remittance: str | None
) -> None:
    """Whatever the texts: the calls that it speaks of are those that the rules found, and its rule and inputs are those
    of the posting that was made."""
    entry = credit(call_id=call_id, reference=reference, remittance=remittance)
    named = named_calls(entry)
    told = explain(entry)
    spoken = {clue.call_id for clue in told.inputs} | {one.call_id for one in told.refused if one.call_id is not None}
    # A reference that is printed like that of the call named by id counts as such, whatever its check digits.
    assert spoken == set(named)
    assert (told.rule is None) == (len(named) != 1)
    if len(named) == 1:
        made = booked(entry)
        again = explain(entry, made)
        assert (again.rule, again.inputs) == (made.rule, told.inputs)
        assert {clue.call_id for clue in again.inputs} == {made.call_id}
