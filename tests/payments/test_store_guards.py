"""Promises of the tables: they refuse what the rules refuse, whoever writes the SQL."""

import asyncpg
import pytest

from shared.postgres import Connection
from tests.payments.counter import Counter
from tests.payments.making import credit, reversal

# What a hand may try on a call of 1,000 of which 400 are paid, and the guard that stops it.
ON_THE_CALL = {
    "paid_minor = 1001, status = 'partially_paid'": "call_paid",
    "paid_minor = -1": "call_paid",
    "paid_minor = 0": "call_paid_on",
    "last_paid_on = null": "call_paid_on",
    "released_minor = 1001": "call_paid",
    "released_minor = -1": "call_released",
    "released_minor = 601, status = 'paid'": "call_paid",
    "status = 'paid'": "call_status",
    "status = 'called'": "call_status",
    "status = 'lost'": "call_status",
    "defaulted = true": "call_status",
    "business_date = '2030-01-01'": "call_status",
    "cancelled = true, status = 'cancelled'": "call_cancelled",
    "original_minor = -1": "call_paid",
    "version = 1": "would step back",
    "postings = 0": "would step back",
    "fund_id = 99": "foreign key",
    "grace_days = -1": "grace_days",
}

# What a hand may try on that payment of 400, applied whole.
ON_THE_PAYMENT = {
    "applied_minor = 399": "payment_conserved",
    "applied_minor = 401": "payment_conserved",
    "held_minor = 1": "payment_conserved",
    "applied_minor = 401, held_minor = -1": "held_minor",
    "amount_minor = 0, applied_minor = 0": "amount_minor",
    "status = 'held'": "can only be updated to DEFAULT",
    "kind = 'reversal', reverses = 'x'": "payment_booked",
    "kind = 'reversal', reverses = 'x', booked_to = null, booked_version = null": "payment_reversal",
    "booked_to = null": "payment_booked",
    "booked_version = null": "payment_booked",
    "reverses = 'x'": "payment_reverses",
    "original_id = id": "payment_original",
}

BOOK = """
insert into payments.payment (id, source_id, external_id, kind, amount_minor, currency, value_date, recorded_at,
                              applied_minor, held_minor, returned_minor, dismissed_minor, reversed_minor,
                              reverses, original_id, booked_to, booked_version)
values (99, {source}, '{external}', '{kind}', {amount}, '{currency}', '2026-03-02', now(), {applied}, {held}, 0, 0,
        {back}, {reverses}, {original}, {call}, {version})
"""
HELD: dict[str, object] = {
    "source": "(select id from payments.source)",
    "external": "X",
    "kind": "credit",
    "amount": 5,
    "held": 5,
    "currency": "USD",
    "applied": 0,
    "call": "null",
    "version": "null",
}
HELD |= {"back": 0, "reverses": "null", "original": "null"}
OTHER = "(select id from payments.payment where external_id = 'E2')"
PAID = "(select id from payments.payment where external_id = 'E1')"
TO_17: dict[str, object] = {"applied": 5, "held": 0, "call": 17, "version": 3}
BACK = {"kind": "reversal", "held": 0, "back": 5, "reverses": "'E2'"}
BOOKS: list[tuple[dict[str, object], str]] = [
    ({"external": "E1"}, "payment_identity"),  # an identity twice
    ({"source": 12_345}, "has no source"),  # no source
    ({"amount": 0, "held": 0}, "amount_minor"),  # nothing
    ({"amount": -5, "held": -5}, "minor"),  # less than nothing
    ({"held": 4}, "payment_conserved"),  # money lost
    ({**TO_17, "call": 99}, "no call in its currency"),  # booked to no call
    ({**TO_17, "currency": "EUR"}, "no call in its currency"),  # booked to a call in another currency
    ({**TO_17, "version": "null"}, "payment_booked"),  # told by no version
    ({**BACK, "original": 12_345}, "foreign key"),  # a reversal of nothing
    ({**BACK, "original": OTHER}, "payment_reversed_once"),  # a second reversal
    ({**BACK, "original": "null"}, "payment_original"),  # a reversal that took nothing back
]

POST = """
insert into payments.later_posting (id, payment_id, call_id, call_version, kind, amount_minor, currency, value_date,
                              recorded_at, rule, undoes)
values ({number}, {payment}, {call}, 3, '{kind}', {amount}, '{currency}', '2026-03-02', now(), 'person', {undoes})
"""
APPLIED: dict[str, object] = {
    "number": 99,
    "payment": PAID,
    "call": 17,
    "kind": "applied",
    "amount": 5,
    "currency": "USD",
    "undoes": "null",
}
FIRST = f"(select id from payments.posting where payment_id = {PAID})"
GONE = "(select id from payments.posting where kind = 'applied' and call_id = 18)"
POSTS: list[tuple[dict[str, object], str]] = [
    ({"currency": "EUR"}, "no call in its currency"),  # another currency
    ({"call": 99}, "no call in its currency"),  # no such call
    ({"payment": 12_345}, "no payment"),  # no such payment
    ({"number": PAID}, "number of a payment"),  # a second posting of that number
    ({"amount": 0}, "amount_minor"),  # nothing
    ({"amount": -1}, "amount_minor"),  # less than nothing
    ({"kind": "undone"}, "posting_undoes"),  # an undo of nothing
    ({"undoes": FIRST}, "posting_undoes"),  # an application that undoes
    ({"kind": "undone", "undoes": FIRST, "amount": 399}, "undoes nothing like it"),  # half an undo
    ({"kind": "undone", "undoes": FIRST, "amount": 400, "call": 18}, "undoes nothing like it"),  # at another call
    ({"kind": "undone", "undoes": FIRST, "amount": 400, "payment": OTHER}, "undoes nothing like it"),  # another's
    (
        {
            "kind": "undone",
            "undoes": GONE,
            "amount": 5,
            "call": 18,
            "payment": OTHER,
        },
        "posting_undone_once",
    ),  # a second undo
    ({"kind": "lost"}, "posting_kind"),  # another kind
]

# Posted rows and the terms of a call are nobody's to change, and nothing is ever deleted.
FORBIDDEN = [
    "update payments.later_posting set amount_minor = 1",
    "update payments.payment set booked_to = 18",
    "update payments.payment set booked_version = 1",
    "update payments.resolution set reason = 'x'",
    "update payments.conflict set amount_minor = 1",
    "update payments.source set name = 'x'",
    "update payments.account set fund_id = 2",
    "update payments.payment set amount_minor = 1",
    "update payments.payment set source_id = 1",
    "update payments.payment set external_id = 'x'",
    "update payments.hold set amount_minor = 1",
    "update payments.call set original_minor = 1",
    "update payments.call set currency = 'EUR'",
    "update payments.call set due_on = '2030-01-01'",
    *(
        f"delete from payments.{table}"
        for table in (
            *(
                "call",
                "payment",
                "later_posting",
                "hold",
                "conflict",
                "resolution",
                "source",
                "account",
                "plan",
                "fund",
            ),
            "dead_letter",
        )
    ),
    "truncate payments.later_posting",
]


@pytest.fixture
async def books(counter: Counter, owner: Connection) -> Connection:
    """Call 17 of 1,000 with E1 of 400 applied; call 18 with E2 of 5 applied and taken back. As the tables' owner."""
    await counter.issue(17, 18, amount=1_000)
    await counter.receive(credit("E1", 400), credit("E2", 5, 18), reversal(credit("E2", 5)))
    return owner


async def refused(db: Connection, statement: str, guard: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as error:
        await db.execute(statement)
    assert guard in str(error.value) or guard == getattr(error.value, "constraint_name", None)


async def test_a_call_is_what_its_amounts_say(books: Connection) -> None:
    """Paid between 0 and the amount, the status by its function, and never back."""
    for change, guard in ON_THE_CALL.items():
        version = "" if "version" in change else ", version = version + 1"
        await refused(books, f"update payments.call set {change}{version} where id = 17", guard)


async def test_a_cancelled_call_stays_cancelled_and_a_release_is_once(books: Connection) -> None:
    """No hand brings a call back, or releases its remainder a second time."""
    await books.execute("update payments.call set cancelled = true, status = 'cancelled' where id = 18")
    await refused(books, "update payments.call set cancelled = false, status = 'called' where id = 18", "step back")
    await books.execute("update payments.call set released_minor = 600, status = 'paid' where id = 17")
    await refused(books, "update payments.call set released_minor = 0, status = 'partially_paid' where id = 17", "back")


async def test_a_payments_money_is_conserved(books: Connection) -> None:
    """Applied, held, returned, dismissed and reversed always sum to the amount."""
    for change, guard in ON_THE_PAYMENT.items():
        await refused(books, f"update payments.payment set {change} where external_id = 'E1'", guard)


async def test_what_is_booked_by_hand_keeps_the_rules(books: Connection) -> None:
    """Identities once, sources known, one reversal per payment."""
    for change, guard in BOOKS:
        await refused(books, BOOK.format(**{**HELD, **change}), guard)


async def test_what_is_posted_by_hand_keeps_the_rules(books: Connection) -> None:
    """Above zero, in the call's and the payment's currency, each application undone at most once, and whole."""
    for change, guard in POSTS:
        await refused(books, POST.format(**{**APPLIED, **change}), guard)


async def test_a_payment_has_one_open_hold(books: Connection) -> None:
    """And a hold is either a payment's or a conflict's."""
    columns = "id, payment_id, reason, amount_minor, opened_at, version"
    hold = f"insert into payments.hold ({columns}) values ({{}}, {{}}, '{{}}', 5, now(), 1)"
    await books.execute(hold.format(901, PAID, "unapplied"))
    await refused(books, hold.format(902, PAID, "no_match"), "hold_open")
    await refused(books, hold.format(903, "null", "no_match"), "hold_of_one")
    await refused(books, hold.format(904, PAID, "identity_conflict"), "hold_conflict")
    await refused(books, hold.format(905, PAID, "bad_mood"), "hold_reason")


async def test_the_service_itself_may_not_change_what_is_posted(books: Connection, db: Connection) -> None:
    """Nothing is edited or deleted: a correction is a new row."""
    for statement in FORBIDDEN:
        await refused(db, statement, "permission denied")
