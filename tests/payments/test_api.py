"""Promises of calls over HTTP: what people may do to them, and what they are told when they may not."""

import asyncio
from datetime import timedelta

import pytest

from services.payments.api import waiting
from services.payments.domain import Stage
from shared.ids import LARGEST, FundId
from tests.payments.asking import Api
from tests.payments.making import DUE, TODAY, credit, terms

# ---- calls


async def test_a_call_answers_as_its_event_says(api: Api) -> None:
    """`id` and the event's other fields, amounts with all decimals, and the money that counts towards it."""
    await api.counter.issue(17)
    await api.counter.receive(credit(amount=100_00))
    call = await api.get("/api/capital-calls/17")
    event = (await api.counter.told())[-1]
    same = set(event) - {"call_id", "applied", "occurred_at"}
    assert {k: call[k] for k in same} == {k: event[k] for k in same}
    assert (call["id"], call["business_date"]) == (17, "2026-03-02")
    (application,) = call["applications"]
    assert {k: application[k] for k in ("source", "payment_id", "amount", "value_date", "rule")} == {
        "source": "bank/acme-usd-1",
        "payment_id": "E1",
        "amount": "100.00",
        "value_date": "2026-03-02",
        "rule": "call_id",
    }


async def test_calls_are_listed_by_due_date_page_by_page(api: Api) -> None:
    """Every call once, in the order of due dates, with filters for fund, status and days."""
    for n in range(1, 8):
        await api.counter.hear(terms(n, fund_id=FundId(1 + n % 2), due_on=DUE - timedelta(days=n)))
    await api.counter.receive(credit(call_id=3))
    seen: list[int] = []
    cursor: str | None = None
    while True:
        place = {"cursor": cursor} if cursor else {}
        page = await api.get("/api/capital-calls", limit=3, **place)
        seen += [call["id"] for call in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]

    async def ids(**query: object) -> list[int]:
        return [call["id"] for call in (await api.get("/api/capital-calls", **query))["items"]]

    assert await ids(fund_id=1) == [6, 4, 2]
    assert await ids(fund_id=2, status="paid") == [3]
    assert await ids(status="called", due_from=DUE - timedelta(days=4), due_to=DUE - timedelta(days=2)) == [4, 2]
    assert await ids(fund_id=99) == []
    await api.get("/api/capital-calls", 400, cursor="nonsense")
    await api.get("/api/capital-calls", 400, status="lost")


async def test_a_call_that_is_not_there_is_404(api: Api) -> None:
    """Neither unknown ids nor plans are receivables, however long one waits."""
    await api.counter.hear(terms(20, stage=Stage.SCHEDULED), terms(21, stage=Stage.REJECTED))
    for unknown in (1, 20, 21, LARGEST):
        await api.get(f"/api/capital-calls/{unknown}", 404)
    for no_id in ("0", "x", str(LARGEST + 1)):
        assert (await api.http.get(f"/api/capital-calls/{no_id}")).status_code == 400


async def test_a_call_just_made_is_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """LerianStudio/midaz#1894: a command just after the creation answered 404; here it waits for the call to arrive."""
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 3.0)
    asked = asyncio.create_task(api.pay("1.00"))
    await asyncio.sleep(0.2)
    await api.counter.issue(17)
    assert (await asked)["call"]["paid"] == "1.00"


# ---- paying


async def test_a_person_records_a_payment(api: Api) -> None:
    """201 with the payment and the call after it; value date is today where the fund is."""
    await api.counter.issue(17)
    paid = await api.pay("400000.00", "wire 7")
    assert (paid["call"]["status"], paid["call"]["outstanding"], paid["call"]["version"]) == ("paid", "0.00", 2)
    payment = paid["payment"]
    assert {k: payment[k] for k in ("source", "payment_id", "amount", "status", "value_date", "held_amount")} == {
        "source": "manual/17",
        "payment_id": "wire 7",
        "amount": "400000.00",
        "status": "applied",
        "value_date": "2026-03-02",
        "held_amount": "0.00",
    }
    assert await api.get(f"/api/payments/{payment['id']}") == payment
    assert await api.audited() == [("call.pay", "done", None)]
    await api.counter.check()


async def test_whole_major_units_and_the_other_names_are_taken(api: Api) -> None:
    """A JSON integer means major units; `txRef` is `tx_ref`."""
    await api.counter.issue(17)
    paid = await api.post("/api/capital-calls/17/payments", {"amount": 400, "txRef": "T1"}, 201)
    assert paid["payment"]["amount"] == "400.00"


async def test_the_same_payment_again_answers_the_same(api: Api) -> None:
    """Nothing happens a second time, also when no value date was named and the call is paid meanwhile."""
    await api.counter.issue(17, amount=500)
    first = await api.pay("5.00", "T1")
    assert await api.pay("5.00", "T1") == first
    assert await api.pay("5.00", "T1", value_date="2026-03-02") == first
    assert len(await api.counter.told()) == 2


async def test_another_content_under_the_same_reference_is_refused(api: Api) -> None:
    """409 `identity_conflict`, with what is on record, and nothing changed."""
    await api.counter.issue(17)
    await api.pay("5.00", "T1")
    refused = await api.pay("6.00", "T1", 409)
    assert (refused["code"], refused["amount"]) == ("identity_conflict", "5.00")
    assert (await api.pay("5.00", "T1", 409, value_date="2026-03-01"))["code"] == "identity_conflict"
    assert (await api.counter.call())["paid_minor"] == 500
    assert await api.counter.holds() == []


@pytest.mark.parametrize("amount", ["0", "0.00", 0, "-1", -1, 1.5, "1e3", "1,000", " 1", "1.001", "", None, True, "٣"])
async def test_an_amount_that_is_none_is_422(api: Api, amount: object) -> None:
    """Zero, negative, fractions of a cent and everything that is no plain amount: refused, and nothing recorded."""
    await api.counter.issue(17)
    problem = await api.pay(amount, status=422)
    assert problem["errors"]
    assert await api.counter.rows("select id from payments.payment") == []


async def test_too_much_is_refused_and_nothing_recorded(api: Api) -> None:
    """409 `over_payment` with what is outstanding; a paid call takes no more."""
    await api.counter.issue(17, amount=500)
    refused = await api.pay("5.01", status=409)
    assert (refused["code"], refused["outstanding"]) == ("over_payment", "5.00")
    assert await api.counter.rows("select id from payments.payment") == []
    await api.pay("5.00")
    assert (await api.pay("0.01", "T2", 409))["code"] == "over_payment"
    assert await api.audited() == [
        ("call.pay", "refused", "over_payment"),
        ("call.pay", "done", None),
        ("call.pay", "refused", "over_payment"),
    ]


async def test_what_is_closed_takes_no_money(api: Api) -> None:
    """409 `call_closed` for cancelled, rejected and withdrawn calls; `invalid_transition` for plans; 404 for none."""
    await api.counter.issue(17)
    await api.post("/api/capital-calls/17/cancel")
    await api.counter.hear(
        terms(20, stage=Stage.REJECTED), terms(21, stage=Stage.WITHDRAWN), terms(22, stage=Stage.SCHEDULED)
    )
    for call, code in ((17, "call_closed"), (20, "call_closed"), (21, "call_closed"), (22, "invalid_transition")):
        assert (await api.pay("1.00", status=409, call=call))["code"] == code
    assert (await api.pay("1.00", status=404, call=99))["code"] == "call_not_found"


async def test_fifty_people_at_once_never_pay_too_much(api: Api) -> None:
    """formancehq/ledger#364: concurrent writes collided, and some answered 200 for nothing; here each 201 is money."""
    await api.counter.issue(17, amount=30_00)
    path = "/api/capital-calls/17/payments"
    answers = await asyncio.gather(*(api.http.post(path, json={"amount": "1", "tx_ref": f"T{n}"}) for n in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] * 30 + [409] * 20
    assert (await api.counter.call())["paid_minor"] == 30_00
    await api.counter.check()


async def test_one_reference_raced_fifty_times_is_one_payment(api: Api) -> None:
    """Clients that retry at once all get the same answer."""
    await api.counter.issue(17)
    answers = await asyncio.gather(*(api.pay("1.00") for _ in range(50)))
    assert len({answer["payment"]["id"] for answer in answers}) == 1
    assert (await api.counter.call())["paid_minor"] == 1_00


async def test_a_key_makes_the_whole_answer_the_same(api: Api) -> None:
    """With an Idempotency-Key the stored answer comes again, even when the call has moved on."""
    await api.counter.issue(17)
    body = {"amount": "1.00", "tx_ref": "T1"}
    first = await api.post("/api/capital-calls/17/payments", body, 201, idempotency_key="k1")
    await api.pay("2.00", "T2")
    assert await api.post("/api/capital-calls/17/payments", body, 201, idempotency_key="k1") == first


# ---- cancel, release, default


async def test_a_call_is_cancelled_while_nothing_is_paid(api: Api) -> None:
    """Cancelled is final; what was paid has to go back first."""
    await api.counter.issue(17, 18)
    cancelled = await api.post("/api/capital-calls/17/cancel", {"reason": "deal is off"})
    assert (cancelled["status"], cancelled["previous_status"], cancelled["outstanding"]) == (
        "cancelled",
        "called",
        "0.00",
    )
    assert (await api.post("/api/capital-calls/17/cancel", status=409))["code"] == "call_closed"
    await api.pay("1.00", call=18)
    assert (await api.post("/api/capital-calls/18/cancel", status=409))["code"] == "invalid_transition"
    row = await api.counter.rows("select id from payments.payment")
    await api.post(f"/api/payments/{row[0]['id']}/reverse", {"tx_ref": "back", "reason": "sent back"})
    assert (await api.post("/api/capital-calls/18/cancel"))["status"] == "cancelled"
    await api.counter.check()


async def test_a_remainder_is_released_once(api: Api) -> None:
    """The call closes at what was paid; amount and released say so, and the event too."""
    await api.counter.issue(17)
    assert (await api.post("/api/capital-calls/17/release-remainder", status=409))["code"] == "invalid_transition"
    await api.pay("100.00")
    done = await api.post("/api/capital-calls/17/release-remainder", {"reason": "enough"})
    assert {k: done[k] for k in ("original_amount", "released", "amount", "paid", "outstanding", "status")} == {
        "original_amount": "400000.00",
        "released": "399900.00",
        "amount": "100.00",
        "paid": "100.00",
        "outstanding": "0.00",
        "status": "paid",
    }
    assert (await api.post("/api/capital-calls/17/release-remainder", status=409))["code"] == "invalid_transition"
    event = (await api.counter.told())[-1]
    assert (event["released"], event["amount"], event["applied"]) == ("399900.00", "100.00", [])


async def test_a_person_declares_a_default(api: Api) -> None:
    """The flag stays through a payment and shows again after a reversal."""
    await api.counter.issue(17, amount=500)
    assert (await api.post("/api/capital-calls/17/declare-default"))["status"] == "defaulted"
    assert (await api.post("/api/capital-calls/17/declare-default", status=409))["code"] == "invalid_transition"
    paid = await api.pay("5.00")
    assert paid["call"]["status"] == "paid"
    await api.post(f"/api/payments/{paid['payment']['id']}/reverse", {"tx_ref": "R1", "reason": "bounced"})
    assert (await api.get("/api/capital-calls/17"))["status"] == "defaulted"


@pytest.mark.parametrize("what", ["cancel", "release-remainder", "declare-default"])
async def test_plans_and_unknown_calls_cannot_be_changed(api: Api, what: str) -> None:
    """404, or 409 that says which stage it is in; and the body may be left out."""
    await api.counter.hear(terms(20, stage=Stage.SCHEDULED), terms(21, stage=Stage.REJECTED))
    for call, status, code in ((20, 409, "invalid_transition"), (21, 409, "call_closed"), (99, 404, "call_not_found")):
        response = await api.http.post(
            f"/api/capital-calls/{call}/{what}", headers={"content-type": "application/json"}
        )
        assert (response.status_code, response.json()["code"]) == (status, code)


# ---- accounts


async def test_a_registered_account_pays_its_fund_only(api: Api) -> None:
    """From then on; registering it again changes nothing, another fund is refused."""
    await api.counter.hear(terms(17), terms(18, fund_id=FundId(2)))
    body = {"alias": "bank/acme-usd-1", "currency": "USD"}
    assert await api.post("/api/funds/1/accounts", body, 201) == {**body, "fund_id": 1, "same_account_as": []}
    assert await api.post("/api/funds/1/accounts", body, 201) == {**body, "fund_id": 1, "same_account_as": []}
    assert (await api.post("/api/funds/2/accounts", body, 409))["code"] == "account_exists"
    await api.counter.receive(credit("E1", 100, 17), credit("E2", 100, 18))
    assert [(await api.payment(e))["reason"] for e in ("E1", "E2")] == [None, "wrong_account"]


async def test_an_account_has_its_funds_currency_and_a_name_of_its_own(api: Api) -> None:
    """A wrong currency is 409, a reserved name 422, an unknown fund 404."""
    await api.counter.issue(17)
    wrong = {"alias": "bank/eur", "currency": "EUR"}
    assert (await api.post("/api/funds/1/accounts", wrong, 409))["code"] == "currency_mismatch"
    for alias in ("manual/17", "edited/1"):
        reserved = {"alias": alias, "currency": "USD"}
        assert (await api.post("/api/funds/1/accounts", reserved, 422))["code"] == "invalid_alias"
    assert (await api.post("/api/funds/9/accounts", {"alias": "bank/x", "currency": "USD"}, 404))[
        "code"
    ] == "fund_not_found"


async def test_manual_payments_are_dated_where_the_fund_is(api: Api) -> None:
    """At noon in London it is tomorrow already on Kiritimati."""
    await api.counter.issue(17, time_zone="Pacific/Kiritimati")
    assert (await api.pay("1.00"))["payment"]["value_date"] == (TODAY + timedelta(days=1)).isoformat()
