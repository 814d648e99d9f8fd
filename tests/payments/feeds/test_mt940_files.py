"""Promises of the MT940 reader about files: which are its own, and how much of one it reads."""

import pytest

from services.payments.feeds import InMemory, Limits, NotTaken
from services.payments.feeds import mt940 as format_

FIRST = b"2603020302C100,00NTRFNONREF//B-1"


def message(entry: bytes, times: int = 1) -> bytes:
    head = b":20:STARTUMS\n:25:1234567\n:28C:1/1\n:60F:C260301EUR0,00\n"
    return head + (entry + b"\n") * times + b":62F:C260302EUR100,00\n-\n"


@pytest.mark.parametrize(
    "head",
    [
        b":20:X\r\n:25:1\r\n",
        b"\r\n\r\n:20:X",
        b"\xef\xbb\xbf:20:X",
        b"{1:F01X}{2:I940X}{4:\r\n:20:X",
        b"\x01{1:F01X}{2:I940X}{4:\r\n:20:X",
        b"ABCDNL2A\n940\nABCDNL2A\n:20:X",
        b":940:\n:20:X",
        b"0000 01ABCDNL2AXXXX00001\n940 00\n:20:X",
        b"Bank of Somewhere, Treasury\n:20:X",
        b":25:1\n:20:X",
    ],
)
def test_a_file_is_known_by_its_beginning(head: bytes) -> None:
    """Envelope, first field, or a few lines of the bank's own before it; right or wrong is not asked yet."""
    assert format_.claims(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<?xml version='1.0'?>\n<Document>\n:20:X",
        b"01,122099999,123456789,260302,1800,1,80,1,2/\n:20:X",
        b"OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n<OFX>\n:20:X",
        b"Date;Amount;Text\n2026-03-02;1,00;x\n:20:X",
        b"Date,Amount,Text\n:20:X",
        b"Date\tAmount\n:20:X",
        b'{"a": 1}',
        b"PK\x03\x04:20:X",
        b"no field\n" * 20 + b":20:X",
    ],
)
def test_files_of_other_formats_are_left_to_others(head: bytes) -> None:
    """XML, BAI2, OFX, tables and JSON, even with something inside that looks like a field."""
    assert not format_.claims(head)


def test_no_more_is_read_than_the_limits_say() -> None:
    """Entries, characters of a text, and problems that are told."""
    many = message(b":61:" + FIRST, 3)
    result = format_.read(InMemory(many), Limits(entries=2))
    assert isinstance(result, NotTaken)
    assert "more than 2 entries" in result.problems[0].what
    long = message(b":61:" + FIRST + b"\n:86:" + b"x" * 100)
    result = format_.read(InMemory(long), Limits(text_characters=100))
    assert isinstance(result, NotTaken)
    assert result.problems[0].where == "line 5"
    bad = message(b":61:nonsense", 5)
    result = format_.read(InMemory(bad), Limits(problems=3))
    assert isinstance(result, NotTaken)
    assert [problem.where for problem in result.problems] == ["line 5", "line 6", "line 7"]
