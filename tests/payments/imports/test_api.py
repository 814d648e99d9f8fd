"""Promises of imported payments: each is an ordinary entry, booked by the rules of all, once, on its original date."""

from datetime import date
from typing import Any, Final

import pytest

from services.payments.consumer import Consumer
from services.payments.store import Numbers
from shared.contracts import PaymentReceived, decode
from shared.contracts.base import encode
from shared.reference import reference_of
from tests.payments.imports.importing import FILE, Importer, Row, payment
from tests.payments.making import NOW, credit, terms


async def test_a_payment_is_booked_on_its_original_date(importer: Importer) -> None:
    """The value date is the row's, what is recorded is recorded now, and the call is paid."""
    await importer.counter.issue(17)
    (result,) = await importer.results(payment())
    booked = await importer.counter.payment("E1")
    assert (result["outcome"], result["id"], result["status"]) == ("created", booked["id"], "applied")
    assert (booked["value_date"], booked["recorded_at"]) == (date(2019, 3, 2), NOW)
    call = await importer.counter.call(17)
    assert (call["paid_minor"], call["status"], call["last_paid_on"]) == (400_000_00, "paid", date(2019, 3, 2))
    await importer.counter.check()


async def test_each_entry_is_sent_on_once(importer: Importer) -> None:
    """The record and the ledger's proof see an imported payment on the topic of all payments; as it comes back from
    there, it is known."""
    await importer.counter.issue(17)
    await importer.hand_in(payment(), payment(3))
    await importer.hand_in(payment())
    (sent,) = await importer.counter.told("payment.received")
    assert (sent["source"], sent["payment_id"], sent["call_id"]) == ("bank/old-ledger", "E1", 17)
    told = await importer.counter.rows("select payload from payments.outbox_event where topic = 'payment.received'")
    entry = Consumer(Numbers(), b"a key").entry_of(told[0]["payload"])
    received = await importer.counter.receive(entry)
    assert (received.booked, received.duplicates, received.conflicts) == (0, 1, 0)


async def test_what_is_sent_on_is_what_a_bank_could_have_sent(importer: Importer) -> None:
    """The event keeps its contract, and carries no account number."""
    remitter = {"name": "Acme LP", "account": "DE89 3704 0044 0532 0130 00"}
    row = payment(call_id=None, reference="R-1", remittance="call one", remitter=remitter, method="wire")
    await importer.hand_in({**row, "booked_at": "2019-03-02T09:31:00Z"})
    (event,) = await importer.counter.rows("select payload from payments.outbox_event where topic = 'payment.received'")
    read = decode(PaymentReceived, event["payload"])
    assert decode(PaymentReceived, encode(read)) == read
    assert b"3704" not in event["payload"]
    assert read.remitter is not None
    assert str(read.remitter.account).endswith("/3000")
    booked = await importer.counter.payment("E1")
    assert (booked["account_last4"], booked["remitter_name"]) == ("3000", "Acme LP")


async def test_the_same_payment_is_there_once(importer: Importer) -> None:
    """Twice in a chunk, again in another, or from a live feed before: each identity is booked once."""
    await importer.counter.issue(17, 18)
    await importer.counter.receive(credit("LIVE", 5_00, 18, source="bank/old-ledger"))
    live = payment(4, "LIVE", call_id=18, amount="5.00", value_date="2026-03-02")
    results = await importer.hand_in(payment(), payment(3), live)
    assert results == [
        (2, "created", "applied", None),
        (3, "already_there", "applied", None),
        (4, "already_there", "applied", None),
    ]
    assert await importer.hand_in(payment(9)) == [(9, "already_there", "applied", None)]
    await importer.counter.check()


async def test_the_same_chunk_answers_the_same(importer: Importer) -> None:
    """Whoever lost the answer asks again with the chunk's key: `created` is said again, and nothing is booked twice."""
    await importer.counter.issue(17)
    chunk = {"import_id": FILE, "rows": [payment()]}
    first = await importer.ask("/api/payments/imports", chunk, idempotency_key="one")
    assert await importer.ask("/api/payments/imports", chunk, idempotency_key="one") == first
    assert first["results"][0]["outcome"] == "created"


async def test_another_content_of_an_identity_is_a_conflict(importer: Importer) -> None:
    """As from a bank: refused, and on record for a person to look at."""
    await importer.counter.issue(17)
    results = await importer.hand_in(payment(), payment(3, amount="1.00"))
    assert results[1] == (3, "refused", "applied", "identity_conflict")
    assert await importer.hand_in(payment(4, amount="2.00")) == [(4, "refused", "applied", "identity_conflict")]
    assert [hold[0] for hold in await importer.counter.holds()] == ["identity_conflict"] * 2
    await importer.counter.check()


HELD: Final[list[tuple[str, dict[str, Any]]]] = [
    ("over_payment", {"amount": "400000.01"}),
    ("currency_mismatch", {"currency": "EUR"}),
    ("no_match", {"call_id": None}),
    ("ambiguous_match", {"reference": reference_of(18)}),
    ("unknown_call", {"call_id": 19}),
    ("original_not_found", {"call_id": None, "kind": "reversal", "reverses": "E0"}),
]


@pytest.mark.parametrize(("reason", "members"), HELD, ids=[reason for reason, _ in HELD])
async def test_what_does_not_fit_is_held_as_from_a_bank(
    importer: Importer, reason: str, members: dict[str, Any]
) -> None:
    """The same reasons as for live payments, said in the row's result in words."""
    await importer.counter.issue(17, 18)
    await importer.counter.hear(terms(19, stage="scheduled", terms_version=1))
    (result,) = await importer.results(payment(**members))
    assert (result["outcome"], result["status"], result["code"]) == ("created", "held", reason)
    assert "on hold" in result["detail"]
    await importer.counter.check()


async def test_a_reversal_takes_its_original_back(importer: Importer) -> None:
    """Imported in the chunk of its original, and later in time."""
    await importer.counter.issue(17)
    back = payment(3, "R1", kind="reversal", reverses="E1", call_id=None, value_date="2019-04-01")
    results = await importer.hand_in(payment(), back)
    assert [one[1:3] for one in results] == [("created", "reversed"), ("created", "reversed")]
    assert (await importer.counter.call(17))["paid_minor"] == 0
    await importer.counter.check()


REFUSED: Final[list[tuple[str, Row, str]]] = [
    ("missing_field", payment(amount=None), "amount: Field required"),
    ("bad_amount", payment(amount="1,000.00"), "amount: write plain digits"),
    ("bad_amount", payment(amount="0.00"), "amount above zero"),
    ("bad_amount", payment(amount="0.005"), "at most 2 decimals for USD"),
    ("bad_currency", payment(currency="XXX"), "ISO 4217 lists no currency XXX"),
    ("bad_date", payment(value_date="03/02/2019"), "value_date: write a date"),
    ("bad_value", payment(reverses="E0"), "a credit names none"),
    ("reserved_source", payment(source="manual/17"), "a source of our own"),
    ("missing_field", payment(source=None), "source: Field required"),
    ("too_long", payment(reference="x" * 65), "reference"),
    ("bad_text", payment(remittance="a\x00b"), "control characters"),
    ("invalid_value", payment(colour="red"), "colour: no cell of a payment"),
    ("bad_value", payment(remitter="Acme"), "remitter"),
]


@pytest.mark.parametrize(("code", "row", "says"), REFUSED, ids=[says for _, _, says in REFUSED])
async def test_a_bad_row_is_refused_and_the_others_are_taken(
    importer: Importer, code: str, row: Row, says: str
) -> None:
    """By the reasons for which a feed's record is a dead letter; an import has no dead letters, it says so at once."""
    await importer.counter.issue(17)
    bad, good = await importer.results(row, payment(3, "E2"))
    assert (bad["row"], bad["outcome"], bad["code"]) == (2, "refused", code)
    assert says in bad["detail"]
    assert (good["row"], good["outcome"], good["status"]) == (3, "created", "applied")
    assert len(await importer.counter.told("payment.received")) == 1


async def test_calls_not_heard_of_yet_are_waited_for(importer: Importer) -> None:
    """A chunk is refused whole, and nothing held, while allocations' word on its calls is on the way."""
    await importer.counter.issue(17)
    chunk = {"import_id": FILE, "rows": [payment(), payment(3, "E2", call_id=18)]}
    refused = await importer.ask("/api/payments/imports", chunk, 409, idempotency_key="one")
    assert (refused["code"], refused["unheard"]) == ("calls_not_heard_yet", 1)
    asked = {"call_ids": [17, 18]}
    assert await importer.ask("/api/payments/imports/unheard", asked) == {"unheard": 1}
    assert await importer.counter.rows("select id from payments.payment") == []
    await importer.counter.issue(18)
    assert await importer.ask("/api/payments/imports/unheard", asked) == {"unheard": 0}
    done = await importer.ask("/api/payments/imports", chunk, idempotency_key="one")
    assert [one["status"] for one in done["results"]] == ["applied", "applied"]


async def test_a_dry_run_keeps_nothing(importer: Importer) -> None:
    """The same verdicts as for real, on calls that only the dry run knows and sums that it would have paid before."""
    await importer.counter.issue(17)
    there = {"call_id": 17, "paid": "399999.00"}
    not_there = {"call_id": 18, "paid": "0", "terms": _terms_of_18()}
    rows = [payment(amount="1.00"), payment(3, "E2", amount="0.01"), payment(4, "E3", call_id=18)]
    results = await importer.rehearse(*rows, assume=[there, not_there])
    assert results == [
        (2, "created", "applied", None),
        (3, "created", "held", "over_payment"),
        (4, "created", "applied", None),
    ]
    for table in ("payment", "hold", "source"):
        assert await importer.counter.rows(f"select id from payments.{table}") == []
    assert [row["id"] for row in await importer.counter.rows("select id from payments.call")] == [17]
    assert (await importer.counter.call(17))["paid_minor"] == 0
    assert await importer.counter.told("payment.received") == []


def _terms_of_18() -> Row:
    told = {"call_id": 18, "allocation_id": 5, "fund_id": 1, "deal_id": 9, "seq_no": 2, "reference": reference_of(18)}
    told |= {"currency": "USD", "amount": "400000.00", "due_date": "2019-03-15", "notice_date": "2019-03-01"}
    told |= {"issued_on": "2019-03-01", "priority": "normal", "time_zone": "America/New_York", "grace_days": 0}
    told |= {"cure_days": 10, "stage": "issued", "previous_stage": None, "terms_version": 1}
    return {**told, "occurred_at": "2019-03-01T09:00:00Z"}


@pytest.mark.parametrize(
    "body",
    [
        {"import_id": "abc", "rows": []},
        {"import_id": FILE, "rows": [{"source": "bank"}]},
        {"import_id": FILE, "rows": [], "assume": []},
        {"import_id": FILE, "rows": [{"row": 1}] * 10_001},
    ],
)
async def test_a_chunk_that_is_none_is_refused(importer: Importer, body: Row) -> None:
    """What cannot be a chunk at all is refused whole, as any other request."""
    await importer.ask("/api/payments/imports", body, 422)


async def test_assumed_terms_are_read_as_strictly_as_real_ones(importer: Importer) -> None:
    """A dry run on terms that allocations could never tell proves nothing, so there is none."""
    for wrong in ({"currency": "XXX"}, {"amount": "1.005"}, {"time_zone": "Mars/Base"}, {"call_id": None}):
        assumed = {"call_id": 18, "terms": _terms_of_18() | wrong}
        refused = await importer.ask(
            "/api/payments/imports/dry-run", {"import_id": FILE, "rows": [], "assume": [assumed]}, 422
        )
        assert refused["code"] == "invalid_terms"


async def test_what_no_answer_can_carry_is_refused_in_words(importer: Importer) -> None:
    """Half a character and a number beyond all sizes end in a refusal of their row alone."""
    await importer.counter.issue(17)
    rows = [payment(2, remittance="\ud800"), payment(3, call_id=10**30), payment(4)]
    outcomes = [one[1] for one in await importer.hand_in(*rows)]
    assert outcomes == ["refused", "refused", "created"]
