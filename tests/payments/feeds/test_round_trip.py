"""The promise of the sample writer: what it writes is read back as it was meant, whatever it was."""

from datetime import date, timedelta
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from drawdown.samples import Detail, Line, camt053
from services.payments.feeds import BankFile, Kind, Mark, WhyNot, read
from shared import currency

TEXT = st.text(
    st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60
).filter(lambda text: bool(" ".join(text.split())))  # fmt: skip
REFERENCE = st.from_regex(r"[A-Z]{2}-[0-9]{4,12}", fullmatch=True)
DAYS = st.integers(0, 20_000).map(lambda n: date(1990, 1, 1) + timedelta(days=n))
MINOR = st.integers(1, 10**13)


@st.composite
def lines(draw: st.DrawFn, code: str, number: int) -> Line:
    minor = draw(MINOR)
    mark: Literal["CRDT", "DBIT"] = draw(st.sampled_from(["CRDT", "CRDT", "CRDT", "DBIT"]))
    parts = draw(st.integers(1, min(4, minor))) if draw(st.booleans()) else 0
    details = tuple(
        Detail(currency.text(minor // parts + (minor % parts if part == 0 else 0), code), remittance=draw(TEXT))
        for part in range(parts)
    )
    return Line(
        currency.text(minor, code),
        draw(DAYS),
        mark=mark,
        status=draw(st.sampled_from(["BOOK", "BOOK", "PDNG"])),
        bank_reference=f"B-{number}",
        end_to_end_id=draw(st.none() | REFERENCE),
        remittance=draw(st.none() | TEXT),
        remitter=draw(st.none() | TEXT),
        value_date=draw(DAYS),
        reversal=draw(st.booleans()),
        details=details,
    )


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str, list[Line]]:
    code = draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
    count = draw(st.integers(0, 6))
    opening = currency.text(draw(st.integers(-(10**12), 10**12)), code)
    return code, opening, [draw(lines(code, number)) for number in range(count)]


@settings(max_examples=150, deadline=None)
@given(written())
def test_what_is_written_is_read_back(statement: tuple[str, str, list[Line]]) -> None:
    """Amounts, days, marks, texts and identities survive; the statement is proven; parts are payments of their own."""
    code, opening, given_lines = statement
    result = read(camt053("S-1", "DE02120300000000202051", code, opening, given_lines))
    assert isinstance(result, BankFile), result
    (found,) = result.statements
    assert (found.id, found.account, found.currency) == ("S-1", "DE02120300000000202051", code)
    assert found.opening is not None
    assert currency.text(found.opening, code) == opening
    assert found.proven is True
    entries = list(found.entries)
    for line in given_lines:
        own = [entries.pop(0) for _ in line.details or (line,)]
        assert sum(entry.amount for entry in own) == currency.parse(line.amount, code)
        assert {(entry.value_date, entry.booking_date) for entry in own} == {(line.value_date, line.booked_on)}
        assert {entry.mark for entry in own} == {Mark.CREDIT if line.mark == "CRDT" else Mark.DEBIT}
        texts = [detail.remittance for detail in line.details] or [line.remittance]
        assert [entry.remittance for entry in own] == [text and " ".join(text.split()) for text in texts]
        if not line.details:
            assert own[0].remitter_name == (line.remitter and " ".join(line.remitter.split()))
            assert own[0].end_to_end_id == line.end_to_end_id
        expected = {("CRDT", False): Kind.CREDIT, ("DBIT", True): Kind.REVERSAL}.get((line.mark, line.reversal))
        assert {entry.kind for entry in own} == {expected}
        if line.status == "PDNG":
            assert {entry.why_not for entry in own} == {WhyNot.PENDING}
    assert entries == []
    posted = [entry.payment_id for entry in found.entries if entry.posted]
    assert len(set(posted)) == len(posted)
