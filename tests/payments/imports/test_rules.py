"""Promises of what an import says of its rows."""

from services.payments.domain import Reason
from services.payments.imports.rules import WHY_HELD, Booking, Read, Result, results
from shared.ids import PaymentId
from tests.payments.making import credit


def test_every_reason_to_hold_money_has_words() -> None:
    """Whoever reads a result learns in words why money is on hold; a conflict is a refusal, and says so itself."""
    assert {*WHY_HELD, Reason.IDENTITY_CONFLICT} == {str(reason) for reason in Reason}


def test_the_first_of_equal_rows_made_the_payment() -> None:
    """Of rows with one identity the first is created; the same again is there already, another one contradicts it."""
    first, other = credit("E1", 100), credit("E1", 200)
    reads = [Read(2, first, b""), Read(3, credit("E1", 100), b""), Read(4, other, b"")]
    booked = {first.identity: Booking(PaymentId(7), "applied", None, None)}
    assert [one.outcome for one in results(reads, booked)] == [Result.CREATED, Result.ALREADY_THERE, Result.REFUSED]


def test_what_was_booked_before_is_there_already() -> None:
    """Nothing that an earlier transaction booked is called new, even by the first row that tells of it."""
    entry = credit("E1", 100)
    before = Booking(PaymentId(7), "applied", None, entry.content)
    (one,) = results([Read(2, entry, b"")], {entry.identity: before})
    assert (one.outcome, one.id) == (Result.ALREADY_THERE, 7)
