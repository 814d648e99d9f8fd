"""The promise of every version of every camt message: what is written in it is read back as it was meant."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.feeds import BankFile, Kind, Mark, WhyNot, read
from shared import reference
from tests.payments.feeds.documents import VERSIONS
from tests.payments.feeds.test_round_trip import DAYS, TEXT
from tests.payments.feeds.writing_camt import Booking, Camt, Payment

ACCOUNT = "DE91100900000123456700"
OWN = st.from_regex(r"[A-Z]{2}-[0-9]{4,12}", fullmatch=True)
OURS = st.integers(1, 9_999_999_999).map(reference.reference_of)
TRACE = st.uuids(version=4).map(str)


@st.composite
def payments(draw: st.DrawFn, number: str) -> Payment:
    return Payment(
        draw(st.integers(1, 10**12)),
        bank_reference=number if draw(st.booleans()) else None,
        end_to_end_id=draw(st.none() | OWN),
        uetr=draw(st.none() | TRACE),
        reference=draw(st.none() | OURS),
        remittance=draw(st.none() | TEXT),
        remitter=draw(st.none() | TEXT),
    )


@st.composite
def bookings(draw: st.DrawFn, number: int, statuses: list[str]) -> Booking:
    several = draw(st.integers(1, 4))
    return Booking(
        [draw(payments(f"D-{number}-{part}")) for part in range(several)],
        booked_on=draw(DAYS),
        value_on=draw(DAYS),
        mark=draw(st.sampled_from(["CRDT", "CRDT", "DBIT"])),
        status=draw(st.sampled_from(statuses)),
        flag=draw(st.booleans()),
        bank_reference=draw(st.sampled_from([f"B-{number}", f"B-{number}", None])),
        detailed=several > 1 or draw(st.booleans()),
    )


@st.composite
def messages(draw: st.DrawFn) -> Camt:
    kind, version = draw(st.sampled_from(["052", "053", "054"])), draw(st.sampled_from(VERSIONS))
    statuses = ["BOOK"] if (kind, version) == ("053", "01") else ["BOOK", "BOOK", "PDNG"]
    count = draw(st.integers(0, 5))
    return Camt(
        kind,
        version,
        ACCOUNT,
        draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"])),
        draw(st.integers(-(10**12), 10**12)),
        [draw(bookings(number, statuses)) for number in range(count)],
    )


def plain(text: str | None) -> str | None:
    return text and " ".join(text.split())


@settings(max_examples=100, deadline=None)
@given(messages(), st.sampled_from(["", "n0"]), st.booleans())
def test_what_is_written_in_any_version_is_read_back(camt: Camt, prefix: str, pretty: bool) -> None:
    """Amounts, days, marks, texts, traces and identities of every payment, and the proof of what is stated."""
    result = read(camt.written(prefix=prefix, pretty=pretty))
    assert isinstance(result, BankFile), result
    assert result.format == f"camt.{camt.kind}.001.{camt.version}"
    (found,) = result.statements
    assert (found.account, found.currency) == (ACCOUNT, camt.code)
    assert found.opening == (camt.opening if camt.states_balances else None)
    assert found.proven is (True if camt.states_balances else None)
    entries = list(found.entries)
    for booking in camt.bookings:
        for payment in booking.payments if booking.detailed else [Payment(booking.minor)]:
            entry = entries.pop(0)
            assert (entry.amount, entry.currency) == (payment.minor, camt.code)
            assert (entry.booking_date, entry.value_date) == (booking.booked_on, booking.value_on)
            assert entry.mark is (Mark.CREDIT if booking.mark == "CRDT" else Mark.DEBIT)
            assert entry.kind == kind_of(booking)
            assert entry.end_to_end_id == payment.end_to_end_id
            assert entry.uetr == (payment.uetr if camt.knows_traces else None)
            assert entry.reference == (payment.reference or payment.end_to_end_id)
            assert (entry.remittance, entry.remitter_name) == (plain(payment.remittance), plain(payment.remitter))
            assert (entry.why_not is WhyNot.PENDING) is (booking.status == "PDNG")
    assert entries == []
    posted = [(entry.kind, entry.payment_id) for entry in found.entries if entry.posted]
    assert len(set(posted)) == len(posted)


@settings(max_examples=50, deadline=None)
@given(messages(), st.sampled_from(["052", "053", "054"]), st.sampled_from(VERSIONS))
def test_one_booking_has_one_identity_in_every_message(camt: Camt, kind: str, version: str) -> None:
    """However a bank tells it, and in whichever version: as long as it gives its reference, it is the same payment."""
    told = [one for one in camt.bookings if one.bank_reference and one.status == "BOOK"]
    identities = [
        [entry.payment_id for entry in result.statements[0].entries]
        for result in (
            read(Camt(one, its_version, ACCOUNT, camt.code, 0, told).written())
            for one, its_version in ((camt.kind, camt.version), (kind, version))
        )
        if isinstance(result, BankFile)
    ]
    assert len(identities) == 2
    assert identities[0] == identities[1]


def kind_of(booking: Booking) -> Kind | None:
    match booking.mark, booking.flag:
        case "CRDT", False:
            return Kind.CREDIT
        case "DBIT", True:
            return Kind.REVERSAL
        case _:
            return None


def test_a_day_of_nothing() -> None:
    """A statement without entries is a statement, in which the opening balance is the closing one."""
    for kind in ("052", "053", "054"):
        result = read(Camt(kind, "08", ACCOUNT, "EUR", 5, []).written())
        assert isinstance(result, BankFile)
        assert result.statements[0].entries == ()
    booked = Booking([Payment(1)], date(2026, 3, 2), date(2026, 3, 2), bank_reference="B")
    assert isinstance(read(Camt("053", "08", ACCOUNT, "EUR", 5, [booked]).written()), BankFile)
