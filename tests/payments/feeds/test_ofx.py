"""Promises of OFX: what a bank wrote is read back, in both of its spellings, and no warning is passed over."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import bankfile
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.payments.feeds import BankFile, InMemory, Kind, Limits, Mark, NotTaken, WhyNot, ofx
from shared import currency
from tests.payments.feeds.writing_ofx import Entry, Manner, Statement, document, entry

TEXT = st.text(
    st.characters(categories=("L", "N", "P", "S", "Zs"), codec="cp1252"), min_size=1, max_size=40
).filter(lambda text: bool(text.split()) and not set(text) & set("<>&"))  # fmt: skip
DAYS = st.integers(0, 20_000).map(lambda n: date(1990, 1, 1) + timedelta(days=n))
HOURS = st.sampled_from(["", "120000", "235959.999[-5:EST]", "000000[0:GMT]", "0000[+5.30:IST]"])
MANNERS = st.sampled_from(
    [
        Manner(),
        Manner(between=""),
        Manner(line_end="\r\n"),
        Manner(encoding="UTF-8", charset="NONE"),
        Manner(xml=True),
        Manner(xml=True, between="", line_end="\r\n"),
    ]
)


def taken(data: bytes) -> BankFile:
    assert ofx.claims(data)
    found = ofx.read(InMemory(data), Limits())
    assert isinstance(found, BankFile), found
    return found


@st.composite
def entries(draw: st.DrawFn, number: int, code: str) -> tuple[int, date, Entry]:
    minor = draw(st.integers(-(10**13), 10**13))
    day = draw(DAYS)
    kind = "XFER" if minor >= 0 else draw(st.sampled_from(["DEBIT", "PAYMENT", "OTHER"]))
    plus = "+" if minor >= 0 and draw(st.booleans()) else ""
    return (
        minor,
        day,
        entry(
            f"{plus}{currency.text(minor, code)}",
            kind,
            f"F-{number}",
            DTPOSTED=f"{day:%Y%m%d}{draw(HOURS)}",
            NAME=draw(st.just("") | TEXT),
            MEMO=draw(st.just("") | TEXT),
        ),
    )


@st.composite
def statements(draw: st.DrawFn) -> list[tuple[Statement, list[tuple[int, date, Entry]]]]:
    done = []
    for number in range(draw(st.integers(1, 3))):
        code = draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
        them = [draw(entries(n, code)) for n in range(draw(st.integers(0, 4)))]
        balance = currency.text(draw(st.integers(-(10**12), 10**12)), code)
        one = Statement(f"A-{number}", code, [line for _, _, line in them], balance=balance, card=draw(st.booleans()))
        done.append((one, them))
    return sorted(done, key=lambda pair: pair[0].card)


@settings(max_examples=120, deadline=None)
@given(given_statements=statements(), manner=MANNERS)
def test_what_is_written_is_read_back(
    given_statements: Sequence[tuple[Statement, list[tuple[int, date, Entry]]]], manner: Manner
) -> None:
    """Amounts, days, marks, texts and identities survive, for every account of the file, in either spelling."""
    found = taken(document(*(one for one, _ in given_statements), manner=manner))
    assert len(found.statements) == len(given_statements)
    for statement, (one, them) in zip(found.statements, given_statements, strict=True):
        assert (statement.account, statement.currency) == (one.account, one.currency)
        assert statement.id == "2026-03-02/2026-03-02"
        assert (statement.opening, statement.proven) == (None, None)
        assert statement.closing is not None
        assert currency.text(statement.closing, one.currency) == one.balance
        for read, (minor, day, line) in zip(statement.entries, them, strict=True):
            assert (read.signed, read.currency) == (minor, one.currency)
            assert read.mark is (Mark.DEBIT if minor < 0 else Mark.CREDIT)
            assert (read.booking_date, read.value_date) == (day, day)
            assert read.payment_id == line.elements["FITID"]
            assert read.remitter_name == (" ".join(line.elements.get("NAME", "").split()) or None)
            assert read.remittance == (" ".join(line.elements.get("MEMO", "").split()) or None)
            assert read.posted is (minor > 0)
        assert [problem for problem in statement.problems if "return" not in problem.what] == []


@settings(max_examples=60, deadline=None)
@given(given_statements=statements(), manner=MANNERS)
def test_another_reader_sees_the_same(
    given_statements: Sequence[tuple[Statement, list[tuple[int, date, Entry]]]], manner: Manner
) -> None:
    """The library as it reads one statement finds the same amounts, days, references and texts as we do."""
    for one, _ in given_statements:
        data = document(one, manner=manner)
        (ours,) = taken(data).statements
        theirs = bankfile.parse_bytes(data)
        assert (theirs.account, theirs.currency) == (ours.account, ours.currency)
        assert ours.closing is not None
        assert theirs.closing_balance == Decimal(currency.text(ours.closing, ours.currency))
        assert [(line.amount, line.date, line.bank_reference) for line in theirs.transactions] == [
            (Decimal(currency.text(read.signed, read.currency)), read.booking_date, read.bank_reference)
            for read in ours.entries
        ]


GOOD = document(
    Statement(entries=[entry("500.00", NAME="ASPEN LP"), entry("-12.34", "DEBIT", "T-2", MEMO="VENDOR")]),
)
GOOD_XML = document(Statement(entries=[entry("500.00", NAME="ASPEN LP")]), manner=Manner(xml=True))


@settings(max_examples=200, deadline=None)
@given(good=st.sampled_from([GOOD, GOOD_XML]), at=st.integers(0, 2_000), byte=st.integers(0, 255), cut=st.booleans())
@example(good=GOOD, at=0, byte=0, cut=True)
def test_a_damaged_file_never_raises_and_never_loses_an_entry(good: bytes, at: int, byte: int, cut: bool) -> None:
    """Whatever one byte becomes, and wherever a file ends, it is refused or still has all of its entries."""
    at = at % len(good)
    data = good[:at] if cut else good[:at] + bytes([byte]) + good[at + 1 :]
    found = ofx.read(InMemory(data), Limits())
    if isinstance(found, BankFile):
        (statement,) = found.statements
        assert len(statement.entries) == good.count(b"<STMTTRN>")
    else:
        assert all(problem.where.startswith("line ") for problem in found.problems)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(["<OFX>", "</OFX>", "<STMTRS>", "</STMTRS>", "<STMTTRN>", "<NAME>", "x", "</NAME>", "\n"])
    ),
)
def test_no_bytes_raise(noise: bytes, words: list[str]) -> None:
    """Any bytes, and any order of tags, come to an answer."""
    tags = "".join(words).encode()
    for data in (noise, b"OFXHEADER:100\n\n" + tags, b"<?xml version='1.0'?><?OFX ?>" + tags, tags + noise):
        assert isinstance(ofx.read(InMemory(data), Limits()), BankFile | NotTaken)


def test_accounts_are_never_mixed() -> None:
    """The library reads one account of a file and warns; each of ours has its own entries, currency and balance."""
    data = document(
        Statement("A", "USD", [entry("1.00")], balance="1.00"),
        Statement("B", "JPY", [entry("2"), entry("3", "CREDIT", "T-2")], balance="5"),
        Statement("X9", "EUR", [entry("-4.00", "POS")], balance="-4.00", card=True),
    )
    assert bankfile.parse_bytes(data).warnings
    assert [
        (one.account, one.currency, [entry.signed for entry in one.entries], one.closing)
        for one in taken(data).statements
    ] == [("A", "USD", [100], 100), ("B", "JPY", [2, 3], 5), ("X9", "EUR", [-400], -400)]


def test_an_account_twice_in_a_file_keeps_one_identity_for_one_entry() -> None:
    """Two downloads that overlap, put into one file: the same entry has the same identity in both."""
    first = Statement(entries=[entry("1.00"), entry("2.00", "CREDIT", "T-2")], days=("20260301", "20260302"))
    found = taken(document(first, replace(first, entries=first.entries[1:], days=("20260302", "20260303"))))
    assert [[entry.payment_id for entry in one.entries] for one in found.statements] == [["T-1", "T-2"], ["T-2"]]


def test_a_pending_entry_is_shown_and_never_posted() -> None:
    """Nor does it use up the identity under which it is booked tomorrow."""
    waiting = Entry({"TRNTYPE": "CREDIT", "DTTRAN": "20260303", "TRNAMT": "9.00", "NAME": "SOON LP"})
    (statement,) = taken(document(Statement(entries=[entry()], pending=[waiting]))).statements
    assert [(one.posted, one.why_not) for one in statement.entries] == [(True, None), (False, WhyNot.PENDING)]
    assert (statement.entries[1].booking_date, statement.entries[1].value_date) == (None, date(2026, 3, 3))


@pytest.mark.parametrize(("name", "memo", "remittance"), [
    ("RF97D0000000017", "CALL ONE", "RF97D0000000017 CALL ONE"),
    ("ASPEN RF97D00000", "00017 CALL", "ASPEN RF97D00000 00017 CALL"),
    ("ASPEN LP", "RF97D0000000017", "RF97D0000000017"),
    ("RF97D0000000017", "RF97D0000000017", "RF97D0000000017"),
    ("ASPEN LP", "", None),
])  # fmt: skip
def test_our_reference_is_found_wherever_a_bank_cuts_its_text(name: str, memo: str, remittance: str | None) -> None:
    """Matching looks at the remittance: a reference of ours in the name, or across name and memo, is in it too."""
    (statement,) = taken(document(Statement(entries=[entry(NAME=name, MEMO=memo)]))).statements
    assert statement.entries[0].remittance == remittance


def test_the_numbers_that_a_bank_gives() -> None:
    """A reference before a check number, and neither where it is only zeros."""
    given_entries = [
        entry("1.00", "CHECK", "1", REFNUM="R-1", CHECKNUM="1044"),
        entry("1.00", "CHECK", "2", REFNUM="000000", CHECKNUM="1045"),
        entry("1.00", "CHECK", "3", CHECKNUM="0000"),
        entry("1.00", "DEP", "4", CHKNUM="1046"),
    ]
    (statement,) = taken(document(Statement(entries=given_entries))).statements
    assert [(one.end_to_end_id, one.reference, one.method) for one in statement.entries] == [
        ("R-1", "R-1", "check"), (None, "1045", "check"), (None, None, "check"), (None, "1046", None),
    ]  # fmt: skip


def test_a_reversal_names_the_credit_that_it_takes_back() -> None:
    """By FITID or REFNUM, with its amount, and not before it came."""
    them = [entry(REFNUM="R-7"), entry("-500.00", "DEBIT", "T-2", REFNUM="R-7", MEMO="Returned item R01")]
    (statement,) = taken(document(Statement(entries=them))).statements
    back = statement.entries[1]
    assert (back.kind, back.posted, back.reverses, back.original_found) == (Kind.REVERSAL, True, "T-1", True)
    assert statement.problems == ()


def test_all_wrong_entries_are_told_up_to_a_limit() -> None:
    """With the line of each, in the order of the file."""
    data = document(Statement(entries=[entry("1.001", "CREDIT", f"T-{n}") for n in range(9)]))
    found = ofx.read(InMemory(data), Limits(problems=5))
    assert isinstance(found, NotTaken)
    at = [number for number, line in enumerate(data.split(b"\n"), start=1) if line == b"<TRNAMT>1.001"]
    assert [problem.where for problem in found.problems] == [f"line {number}" for number in at[:5]]


def test_the_number_of_entries_is_capped() -> None:
    """A file of more entries than we are willing to keep is refused."""
    data = document(Statement(entries=[entry("1.00", "CREDIT", f"T-{n}") for n in range(9)]))
    found = ofx.read(InMemory(data), Limits(entries=8))
    assert isinstance(found, NotTaken)
    assert "more than 8 entries" in found.problems[0].what


def test_the_size_is_capped() -> None:
    """It is read as a whole, so that a file that would fill the memory is refused unread."""
    found = ofx.read(InMemory(GOOD + b" " * 48 * 1024 * 1024), Limits())
    assert isinstance(found, NotTaken)
    assert "of this format at most 50331648 are taken" in found.problems[0].what


@pytest.mark.parametrize(("head", "claimed"), [
    (b"OFXHEADER:100\r\nDATA:OFXSGML", True),
    (b"\xef\xbb\xbf\n ofxheader : 100", True),
    (b"<?xml version='1.0'?>\n<!-- from a bank -->\n<?OFX OFXHEADER='200'?><OFX>", True),
    (b"<!DOCTYPE OFX [<!ENTITY a 'b'>]><OFX>", True),
    (b"<OFX><SIGNONMSGSRSV1>", True),
    (b"<?xml version='1.0'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>", False),
    (b"<?xml version='1.0'?><Document><!-- <OFX> -->", False),
    (b"Date,Amount,OFXHEADER:100", False),
    (b"", False),
])  # fmt: skip
def test_a_file_is_known_by_its_beginning(head: bytes, claimed: bool) -> None:
    """By what it begins with, never by its name."""
    assert ofx.claims(head) is claimed
