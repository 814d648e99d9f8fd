"""Promises of BAI2: what a bank wrote is read back, checked against a second reader, and never half."""

import threading
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from bai2 import bai2 as library  # type: ignore[import-untyped]  # the library ships no types
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.payments.feeds import BankFile, InMemory, Kind, Limits, Mark, NotTaken, WhyNot, bai2
from services.payments.feeds.bai2_codes import Sort, meaning
from shared import currency
from tests.payments.feeds.writing_bai2 import Account, Group, Transaction, file, report

CREDITS = ["195", "142", "115", "301", "399"]
DEBITS = ["495", "451", "475", "699"]
TAKEN_BACK = ["552", "555", "557", "558", "566", "694"]
OWN_RETURNED = ["252", "255", "257", "258", "266"]
WORD = st.from_regex(r"[A-Za-z0-9&'.()=:-][A-Za-z0-9&'.,/()=:-]{0,11}[A-Za-z0-9&'.()=:-]", fullmatch=True)
TEXT = st.lists(WORD, max_size=12).map(" ".join)
FUNDS = st.sampled_from(["", "0", "1", "2", "Z", "V,260305,", "V,260305,1200", "D,0"])
DAYS = st.integers(0, 29_000).map(lambda n: date(2000, 1, 1) + timedelta(days=n))


def taken(data: bytes) -> BankFile:
    assert bai2.claims(data)
    found = bai2.read(InMemory(data), Limits())
    assert isinstance(found, BankFile), found
    return found


@st.composite
def transactions(draw: st.DrawFn, number: int) -> Transaction:
    return Transaction(
        code=draw(st.sampled_from([*CREDITS, *CREDITS, *DEBITS, *TAKEN_BACK, *OWN_RETURNED])),
        amount=str(draw(st.integers(1, 10**13))),
        funds=draw(FUNDS),
        bank_reference=f"B-{number}",
        customer_reference=draw(st.just("") | st.from_regex(r"C[0-9]{3,9}", fullmatch=True)),
        text=draw(TEXT),
    )


def _moved(them: Sequence[Transaction]) -> int:
    return sum(int(one.amount) if one.code < "400" else -int(one.amount) for one in them)


@st.composite
def groups(draw: st.DrawFn) -> Group:
    accounts = []
    for number in range(draw(st.integers(1, 3))):
        them = [draw(transactions(n)) for n in range(draw(st.integers(0, 5)))]
        opening = draw(st.integers(-(10**12), 10**12))
        accounts.append(
            Account(
                number=f"40001{number}",
                currency=draw(st.sampled_from(["", "USD", "EUR", "JPY", "KWD"])),
                summaries=[("010", str(opening)), ("015", f"{opening + _moved(them):+}"), ("040", "")],
                transactions=them,
            )
        )
    return Group(accounts, as_of=draw(DAYS), currency=draw(st.sampled_from(["", "USD", "JPY", "KWD"])))


@settings(max_examples=120, deadline=None)
@given(group=groups(), width=st.sampled_from([0, 20, 60]), line_end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_is_written_is_read_back(group: Group, width: int, line_end: str) -> None:
    """Amounts, days, marks, texts and identities survive; each statement is proven; kinds follow the reversal table."""
    found = taken(file(group, width=width, line_end=line_end))
    assert len(found.statements) == len(group.accounts)
    for statement, account in zip(found.statements, group.accounts, strict=True):
        code = account.currency or group.currency or "USD"
        assert (statement.account, statement.currency, statement.id) == (account.number, code, str(group.as_of))
        assert statement.opening == int(account.summaries[0][1])
        assert statement.proven is True
        assert len(statement.entries) == len(account.transactions)
        for entry, one in zip(statement.entries, account.transactions, strict=True):
            assert entry.amount == int(one.amount)
            assert entry.mark is (Mark.CREDIT if one.code < "400" else Mark.DEBIT)
            assert entry.booking_date == group.as_of
            assert entry.value_date == (date(2026, 3, 5) if one.funds.startswith("V") else group.as_of)
            assert entry.bank_reference == one.bank_reference
            assert entry.end_to_end_id == (one.customer_reference or None)
            assert entry.remittance == (one.text or None)
            if one.code in TAKEN_BACK:
                assert entry.kind is Kind.REVERSAL
            else:
                assert entry.why_not is (
                    None
                    if one.code in CREDITS
                    else WhyNot.NOT_OURS
                    if one.code in DEBITS
                    else WhyNot.OWN_PAYMENT_RETURNED
                )
        posted = [entry.payment_id for entry in statement.entries if entry.posted]
        assert len(set(posted)) == len(posted)


@settings(max_examples=60, deadline=None)
@given(group=groups(), width=st.sampled_from([0, 20]))
def test_another_reader_sees_the_same(group: Group, width: int) -> None:
    """The library's own reader, which also checks trailers, finds the same accounts, balances, amounts and texts."""
    data = file(group, width=width)
    second = library.parse_from_string(data.decode())
    for statement, account in zip(taken(data).statements, second.children[0].children, strict=True):
        assert statement.account == account.header.customer_account_number
        stated = {one.type_code.code: one.amount for one in account.header.summary_items}
        assert (statement.opening, statement.closing) == (stated["010"], stated["015"])
        read = [(e.amount, e.bank_reference, e.end_to_end_id, e.remittance) for e in statement.entries]
        assert read == [
            (one.amount, one.bank_reference, one.customer_reference, one.text and " ".join(one.text.split()))
            for one in account.children
        ]


GOOD = report(
    Transaction("195", "50000", "0", "W-1", "ASPEN-1", "ASPEN LP, FIRST CALL"),
    Transaction("495", "1234", "V,260304,", "W-2", "", "VENDOR"),
    opening="100000",
    closing="148766",
)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), cut=st.booleans())
@example(at=0, byte=0, cut=True)
def test_a_damaged_file_never_raises_and_never_posts_other_amounts(at: int, byte: int, cut: bool) -> None:
    """Whatever one byte becomes, and wherever a file ends, it is refused or has the same money."""
    data = GOOD[:at] if cut else GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    found = bai2.read(InMemory(data), Limits())
    if isinstance(found, BankFile):
        (statement,) = found.statements
        assert sum(entry.amount for entry in statement.entries) == 51_234
    else:
        assert found.problems


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=300),
    st.lists(st.sampled_from(["01,", "02,", "03,", "16,", "88,", "49,", "98,", "99,", "1,", "/\n"])),
)
def test_no_bytes_raise(noise: bytes, words: list[str]) -> None:
    """Any bytes, and any order of records, come to an answer."""
    for data in (noise, b"01," + noise, "".join(words).encode() + noise):
        assert isinstance(bai2.read(InMemory(data), Limits()), BankFile | NotTaken)


def test_a_file_that_ends_in_a_transaction_comes_to_an_answer() -> None:
    """The library's reader does not come back from such a file; ours must, and at once."""
    answers: list[BankFile | NotTaken] = []
    data = GOOD[: GOOD.index(b"49,")]
    thread = threading.Thread(target=lambda: answers.append(bai2.read(InMemory(data), Limits())), daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert [type(answer) for answer in answers] == [NotTaken]


def test_every_code_has_a_meaning() -> None:
    """A code below 400 never takes money out, one from 400 to 699 never brings it in, and what is not in the standard's
    list is never posted."""
    for number in range(1000):
        code = f"{number:03}"
        (statement,) = taken(report(Transaction(code, "100", "0", "W-1"))).statements
        for entry in statement.entries:
            if entry.kind is Kind.CREDIT and entry.posted:
                assert "100" <= code <= "399"
            if entry.kind is Kind.REVERSAL:
                assert "400" <= code <= "699", code
        if meaning(code).sort is not Sort.BOOKING:
            assert not [entry for entry in statement.entries if entry.posted], code
            assert statement.problems, code


def test_all_wrong_lines_are_told_up_to_a_limit() -> None:
    """A person who corrects a file wants all of its lines, and not a book of them."""
    data = report(*[Transaction("195", "1") for _ in range(9)]).replace(b"195,1", b"195,x")
    found = bai2.read(InMemory(data), Limits(problems=5))
    assert isinstance(found, NotTaken)
    assert [problem.where for problem in found.problems] == [f"line {number}" for number in range(4, 9)]


def test_the_number_of_entries_is_capped() -> None:
    """A file of more entries than we are willing to keep is refused before they are read."""
    found = bai2.read(InMemory(report(*[Transaction("195", "1")] * 6)), Limits(entries=5))
    assert isinstance(found, NotTaken)
    assert "more than 5 entries" in found.problems[0].what


def test_interim_entries_keep_their_identity_in_the_final_report() -> None:
    """What a same-day report posts by its reference is known again the next morning, and what it only showed is posted
    then."""
    them = Transaction("195", "500", "0", "W-1", "", "WIRE"), Transaction("142", "700", "0", "", "", "ACH")
    (interim,) = taken(report(*them, modifier="3")).statements
    (final,) = taken(report(*them, modifier="2")).statements
    assert [entry.payment_id for entry in interim.entries] == [entry.payment_id for entry in final.entries]
    assert [entry.posted for entry in interim.entries] == [True, False]
    assert [entry.posted for entry in final.entries] == [True, True]


def test_totals_of_credits_and_debits_are_compared() -> None:
    """Where balances prove nothing, the sums that the bank states are compared with the entries."""
    account = Account(summaries=[("100", "700"), ("400", "10")], transactions=[Transaction("195", "500", "0", "W-1")])
    (statement,) = taken(file(Group([account]))).statements
    assert statement.proven is None
    assert [problem.what for problem in statement.problems] == [
        "the bank states 7.00 USD of credits in all (code 100); the entries come to 5.00",
        "the bank states 0.10 USD of debits in all (code 400); the entries come to 0.00",
    ]


def test_the_size_is_capped() -> None:
    """It is read as a whole, so that a file that would fill the memory is refused unread."""
    found = bai2.read(InMemory(GOOD + b" " * 48 * 1024 * 1024), Limits())
    assert isinstance(found, NotTaken)
    assert "of this format at most 50331648 are taken" in found.problems[0].what


@pytest.mark.parametrize(("head", "claimed"), [
    (b"01,BANK,FUND,260303,0700,1,,,2/\n", True),
    (b"\xef\xbb\xbf\r\n01,BANK,FUND,260303,0700,1,80,,2/", True),
    (b"01,BANK,FUND\n02,FUND", True),
    (b"01,2,3\n4,5,6", False),
    (b"Date,Amount\n01,02", False),
    (b":20:01,02", False),
    (b"", False),
])  # fmt: skip
def test_a_file_is_known_by_its_header(head: bytes, claimed: bool) -> None:
    """By what it begins with, never by its name."""
    assert bai2.claims(head) is claimed


def test_decimals_are_those_of_the_currency() -> None:
    """The same digits are dollars with cents, yen without, and dinars with three decimals."""
    for code, shown in (("USD", "123.45"), ("JPY", "12345"), ("KWD", "12.345")):
        account = Account(currency=code, transactions=[Transaction("195", "12345", "0", "W-1")])
        (statement,) = taken(file(Group([account]))).statements
        assert currency.text(statement.entries[0].amount, code) == shown
