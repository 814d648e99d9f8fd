"""The promise of the MT940 reader: whatever a bank writes, in any dialect, is read back as it was meant."""

from datetime import date, timedelta
from pathlib import Path

import mt940
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.feeds import BankFile, Entry, InMemory, Kind, Limits, Mark, NotTaken, WhyNot, read
from services.payments.feeds import mt940 as mt940_
from shared import currency
from shared.money import Minor
from tests.payments.feeds.writing_mt940 import Dialect, Line, Written

FOLDER = Path(__file__).parents[3] / "samples" / "bank-files" / "mt940"
SAMPLES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".json")

# What begins a field, a part or a code, or ends a message, is the format's own.
TEXT = st.text(
    st.characters(categories=("Lu", "Ll", "Nd", "P", "Sc", "Zs"), exclude_characters="?/+:{}-"), min_size=1, max_size=90
).map(lambda text: " ".join(text.split())).filter(bool)  # fmt: skip
NAME = TEXT.map(lambda text: text[:50].strip()).filter(bool)
REFERENCE = st.from_regex(r"[A-Z]{2}[0-9]{4,12}", fullmatch=True)
DAYS = st.integers(0, 20_000).map(lambda number: date(2000, 1, 1) + timedelta(days=number))
MARKS = {
    "C": (Mark.CREDIT, Kind.CREDIT, None),
    "D": (Mark.DEBIT, None, WhyNot.NOT_OURS),
    "RC": (Mark.DEBIT, Kind.REVERSAL, None),
    "RD": (Mark.CREDIT, None, WhyNot.OWN_PAYMENT_RETURNED),
    "EC": (Mark.CREDIT, Kind.CREDIT, WhyNot.PENDING),
    "ED": (Mark.DEBIT, None, WhyNot.PENDING),
}


@st.composite
def lines(draw: st.DrawFn, number: int, marks: str) -> Line:
    value = draw(DAYS)
    return Line(
        mark=draw(st.sampled_from(marks.split())),
        minor=draw(st.integers(1, 10**11)),
        value_date=value,
        entry_date=draw(st.none() | st.integers(-170, 170).map(lambda days: value + timedelta(days=days))),
        bank_reference=draw(st.none() | st.just(f"B{number}")),
        end_to_end_id=draw(REFERENCE),
        text=draw(st.none() | TEXT),
        name=draw(st.none() | NAME),
        letter=draw(st.booleans()),
        surplus=draw(st.integers(0, 2)),
    )


@st.composite
def written(draw: st.DrawFn, marks: str = "C C C D RC RD EC ED") -> Written:
    count = draw(st.integers(0, 6))
    return Written(
        lines=[draw(lines(number, marks)) for number in range(count)],
        code=draw(st.sampled_from(["EUR", "USD", "JPY", "KWD"])),
        opening=draw(st.integers(-(10**10), 10**10)),
        dialect=draw(st.sampled_from(["parts", "slashes", "plain"])),
        end=draw(st.sampled_from(["\r\n", "\n", "\r"])),
        envelope=draw(st.booleans()),
        cuts=sorted(draw(st.sets(st.integers(1, max(count - 1, 1)), max_size=3))) if count > 1 else (),
    )


@settings(max_examples=150, deadline=None)
@given(written())
def test_what_is_written_is_read_back(statement: Written) -> None:
    """Amounts, days, marks, texts and identities survive every dialect, line end and page; the statement is proven."""
    result = read(statement.text().encode())
    assert isinstance(result, BankFile), result
    (found,) = result.statements
    assert (found.id, found.account, found.currency) == ("00041", statement.account, statement.code)
    assert (found.opening, found.proven, found.problems) == (statement.opening, True, ())
    assert len(found.entries) == len(statement.lines)
    for entry, line in zip(found.entries, statement.lines, strict=True):
        told(entry, line, statement.dialect)
    posted = [entry.payment_id for entry in found.entries if entry.posted]
    assert len(set(posted)) == len(posted)


def told(entry: Entry, line: Line, dialect: Dialect) -> None:
    mark, kind, why_not = MARKS[line.mark]
    assert (entry.mark, entry.kind, entry.amount) == (mark, kind, line.minor)
    assert (entry.value_date, entry.booking_date) == (line.value_date, line.entry_date)
    assert entry.bank_reference == line.bank_reference
    assert entry.remittance == line.text
    if dialect == "plain":
        assert entry.end_to_end_id is None
    else:
        assert entry.end_to_end_id == entry.reference == line.end_to_end_id
        assert entry.remitter_name == (None if why_not is WhyNot.NOT_OURS or line.mark == "ED" else line.name)
    if kind is Kind.REVERSAL and why_not is None:  # posted only where it names its original
        assert entry.posted is (entry.reverses is not None)
    else:
        assert (entry.posted, entry.why_not) == (why_not is None, why_not)


@settings(max_examples=60, deadline=None)
@given(written("C D RC RD"))
def test_another_reader_sees_the_same_money(statement: Written) -> None:
    """The library by itself, with its repairs on, comes to the same amounts, signs and value dates."""
    result = read(statement.text().encode())
    assert isinstance(result, BankFile), result
    whole = statement.text().replace("\r\n", "\n").replace("\r", "\n")
    theirs = [one for page in mt940.parse_statements(whole, options=mt940.Options.all()) for one in page.transactions]
    ours = result.statements[0].entries
    assert [Minor(entry.signed) for entry in ours] == [_minor(one.data["amount"], statement.code) for one in theirs]
    assert [entry.value_date for entry in ours] == [one.data["date"] for one in theirs]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=4))
def test_damage_never_raises(sample: Path, start: int, length: int, put: bytes) -> None:
    """Wherever a file is damaged, it is taken or refused with a line."""
    good = sample.read_bytes()
    at = start % len(good)
    result = mt940_.read(InMemory(good[:at] + put + good[at + length :]), Limits())
    if isinstance(result, NotTaken):
        assert result.problems
        assert all(problem.where.startswith("line ") for problem in result.problems)
    else:
        assert result.statements


def _minor(amount: "mt940.models.Amount", code: str) -> int:
    return int(amount.amount.scaleb(currency.exponent(code)))
