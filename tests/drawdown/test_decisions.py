"""Promises of a file of decisions: read whole or refused whole, each wrong line named."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawdown.decisions import BadDecisions, Decision, read_decisions

HEAD = b"payment_id,action,parts,reason\n"


def problems(content: bytes) -> tuple[str, ...]:
    with pytest.raises(BadDecisions) as refused:
        read_decisions(content)
    return refused.value.problems


def test_every_row_is_a_decision() -> None:
    """With a mark of UTF-8 or without, any line ends, empty lines, quotes and letters of the world."""
    content = (
        b"\xef\xbb\xbfpayment_id,action,parts,reason\r\n"
        b'1,apply,17:400000.00 18:2.5,"told by phone, by J\xc3\xb6rg"\r\n\r\n'
        b" 2 ,return,,sent by mistake\r\n"
        b"3,dismiss, ,seen twice\r\n"
    )
    first, second, third = read_decisions(content)
    assert first == Decision(2, 1, "apply", ((17, "400000.00"), (18, "2.5")), "told by phone, by Jörg")
    assert first.as_json() == {
        "payment_id": 1,
        "action": "apply",
        "reason": "told by phone, by Jörg",
        "parts": [{"call_id": 17, "amount": "400000.00"}, {"call_id": 18, "amount": "2.5"}],
    }
    assert second.as_json() == {"payment_id": 2, "action": "return", "reason": "sent by mistake"}
    assert (third.line, third.parts) == (5, ())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"0,return,,x", "'0' is no payment's id"),
        (b"-1,return,,x", "'-1' is no payment's id"),
        (b"9223372036854775808,return,,x", "is no payment's id"),
        (b"one,return,,x", "'one' is no payment's id"),
        ("\u0661,return,,x".encode(), "is no payment's id"),
        (b"1,steal,,x", "apply, return, dismiss, not 'steal'"),
        (b"1,apply,,x", "belong to apply"),
        (b"1,return,17:1,x", "belong to apply"),
        (b"1,apply,17,x", "'17' is no call and amount"),
        (b"1,apply,17:1.00001,x", "is no call and amount"),
        (b"1,apply,17:-1,x", "is no call and amount"),
        (b"1,apply,0:1,x", "is no call and amount"),
        (b"1,apply,99999999999999999999:1,x", "is no call and amount"),
        (b"1,apply,17:1;18:1,x", "is no call and amount"),
        (b"1,return,, ", "needs a reason"),
        (b"1,return,", "3 columns in place of 4"),
        (b"1,return,,x,y", "5 columns in place of 4"),
        (b'1,return,,"x', "unexpected end of data"),
        (b"1,return,,\xff", "not UTF-8 text"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(row: bytes, said: str) -> None:
    """What it says, and where, in words for who wrote it."""
    (problem,) = problems(HEAD + b"7,return,,fine\n" + row)
    assert problem.startswith("line 3: ")
    assert said in problem


def test_all_wrong_rows_are_told_at_once() -> None:
    """Nobody mends a file line by line; a payment that stands twice is wrong in the second place."""
    told = problems(HEAD + b"1,return,,x\n2,steal,,x\n1,dismiss,,x\n")
    assert [problem[:7] for problem in told] == ["line 3:", "line 4:"]
    assert "stands in line 2 already" in told[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: the head must be payment_id,action,parts,reason"),
        (b"1,return,,x\n", "line 1: the head must be"),
        (b"action,payment_id,parts,reason\n", "line 1: the head must be"),
        (HEAD, "line 2: there is no decision"),
    ],
)
def test_a_file_without_head_or_rows_is_refused(content: bytes, said: str) -> None:
    """Columns are never guessed."""
    (problem,) = problems(content)
    assert problem.startswith(said)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nothing else is ever raised."""
    for whole in (content, HEAD + content):
        with contextlib.suppress(BadDecisions):
            assert read_decisions(whole)
