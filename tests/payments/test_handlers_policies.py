"""Promises about what funds want done with money that does not fit: the excess alone is held, short calls closed."""

import asyncio
from functools import partial
from typing import Any, Final

import httpx
import pytest

from services.payments import app, handlers
from services.payments.domain import Action, FundPolicy, OverPayment, close_short
from services.payments.store import save_policy
from shared.ids import FundId, PaymentId
from shared.money import Minor
from shared.outbox import Origin
from shared.postgres import Connection, Pool
from shared.refusal import Refused
from tests.payments.asking import Api, Json
from tests.payments.counter import Counter
from tests.payments.making import NOW, call, credit, reversal, terms
from tests.payments.proving import broken
from tests.payments.test_app import pool
from tests.payments.test_handlers_races import retried
from tests.support.ledger import Ledger

__all__ = ["pool"]  # a fixture

APPLY: Final = OverPayment.APPLY


async def want(at: Counter, fund: int = 1, **wanted: Any) -> None:
    """The fund's first policy."""
    policy = FundPolicy(FundId(fund)).revised(FundPolicy(FundId(fund), **wanted), by="treasurer", now=NOW)
    assert await save_policy(at.db, policy)


# ---- too much


async def test_what_fits_is_applied_and_the_rest_is_held(counter: Counter, owner: Connection) -> None:
    """Where the fund wants that; the same money for another fund's call is held whole."""
    await counter.hear(terms(17, 1_000), terms(18, 1_000, fund_id=FundId(2)))
    await want(counter, over_payment=APPLY)
    await counter.receive(credit("E1", 1_200), credit("E2", 1_200, 18))
    rows = [await counter.payment(name) for name in ("E1", "E2")]
    assert [(r["status"], r["applied_minor"], r["held_minor"]) for r in rows] == [
        ("partly_held", 1_000, 200),
        ("held", 0, 1_200),
    ]
    holds = await counter.rows("select reason, amount_minor, call_id, fund_id from payments.hold order by id")
    assert [tuple(hold.values()) for hold in holds] == [("over_payment", 200, 17, 1), ("over_payment", 1_200, 18, 2)]
    assert (await counter.call())["status"] == "paid"
    assert (await counter.told())[-1]["applied"][0]["amount"] == "10.00"
    await counter.check()
    assert await broken(owner) == []


async def test_a_full_call_takes_nothing(counter: Counter) -> None:
    """There is nothing that fits: the payment is held whole, as ever."""
    await counter.issue(17, amount=1_000)
    await want(counter, over_payment=APPLY)
    await counter.receive(credit("E1", 600), credit("E2", 600), credit("E3", 600))
    assert [(await counter.payment(f"E{n}"))["held_minor"] for n in (1, 2, 3)] == [0, 200, 600]
    await counter.check()


async def test_money_that_came_before_its_call_is_split_by_the_sweep(counter: Counter, owner: Connection) -> None:
    """The hold that waited is resolved, and what is too much has a hold of its own."""
    await counter.receive(credit("E1", 1_200))
    await counter.issue(17, amount=1_000)
    await want(counter, over_payment=APPLY)
    await counter.sweep()
    holds = await counter.rows("select reason, state, resolution, amount_minor from payments.hold order by id")
    assert [tuple(hold.values()) for hold in holds] == [
        ("unknown_call", "resolved", "applied", 1_200),
        ("over_payment", "open", None, 200),
    ]
    assert [event["state"] for event in await counter.told("payment.held")] == ["open", "resolved", "open"]
    await counter.check()
    assert await broken(owner) == []


async def test_a_split_payment_is_taken_back_whole(counter: Counter, owner: Connection) -> None:
    """Applied and held, all of it goes: in the same batch, or later."""
    await counter.issue(17, amount=1_000)
    await want(counter, over_payment=APPLY)
    first, second = credit("E1", 1_200), credit("E2", 1_300)
    await counter.receive(first, reversal(first, "R1"), second)
    assert (await counter.payment("E2"))["status"] == "partly_held"
    await counter.receive(reversal(second, "R2"))
    assert (await counter.call())["paid_minor"] == 0
    assert [(await counter.payment(f"E{n}"))["status"] for n in (1, 2)] == ["reversed", "reversed"]
    await counter.check()
    assert await broken(owner) == []


async def test_people_resolve_the_excess_alone(counter: Counter, owner: Connection) -> None:
    """What was applied stays; the rest goes where a person says."""
    await counter.issue(17, 18, amount=1_000)
    await want(counter, over_payment=APPLY)
    await counter.receive(credit("E1", 1_200), credit("E2", 1_100, 18))
    for name, action in (("E1", Action.RETURN), ("E2", Action.RETURN)):
        row = await counter.payment(name)
        async with counter.db.transaction():
            done = await handlers.resolve(
                *(counter.db, counter.numbers, PaymentId(row["id"])),
                action=action,
                parts=(),
                reason="sent back",
                now=NOW,
                origin=Origin(),
            )
        assert not isinstance(done, Refused)
    row = await counter.payment("E1")
    assert (row["status"], row["applied_minor"], row["returned_minor"]) == ("applied", 1_000, 200)
    await counter.check()
    assert await broken(owner) == []


async def test_many_overpayments_at_once_fill_a_call_exactly(
    database: Ledger, counter: Counter, owner: Connection
) -> None:
    """Two copies, each with payments that are too large: the call is full, and not a cent more is applied."""
    await counter.issue(*range(1, 6), amount=1_000)
    await want(counter, over_payment=APPLY)
    async with database.connect("payments") as connected:
        other = Counter(connected)
        await asyncio.gather(
            *(
                retried(partial(at.receive, *(credit(f"{name}{n}-{c}", 300, c) for c in range(1, 6))))
                for n in range(1)
                for name, at in (("A", counter), ("B", other))
            )
        )
        await asyncio.gather(
            *(
                retried(partial(at.receive, *(credit(f"{name}-{c}", 700, c) for c in range(1, 6))))
                for name, at in (("C", counter), ("D", other))
            )
        )
    assert {row["paid_minor"] for row in await counter.rows("select paid_minor from payments.call")} == {1_000}
    assert (await counter.rows("select sum(held_minor)::bigint as held from payments.payment")) == [{"held": 5 * 1_000}]
    await counter.check()
    assert await broken(owner) == []


# ---- too little


def test_only_what_is_paid_in_part_and_nearly_whole_is_closed() -> None:
    """By at most the tolerance, once; never an unpaid, a cancelled or a released call."""
    assert close_short(call(17, 1_000, paid=Minor(975)), Minor(25)) == call(
        17, 1_000, paid=Minor(975), released=Minor(25), version=2
    )
    for other, tolerance in (
        (call(17, 1_000, paid=Minor(974)), 25),
        (call(17, 1_000), 1_000),
        (call(17, 1_000, paid=Minor(1_000)), 25),
        (call(17, 1_000, paid=Minor(975)), 0),
        (call(17, 1_000, cancelled=True), 1_000),
        (call(17, 1_000, paid=Minor(900), released=Minor(50)), 50),
    ):
        assert close_short(other, Minor(tolerance)) is None


async def test_a_call_short_by_charges_is_closed_on_a_line_of_its_own(
    counter: Counter, pool: Pool, owner: Connection
) -> None:
    """What is missing is released, and beside it stands which payment was short; what was paid stays what was paid. A
    fund without a tolerance, and a call that is short of more, wait as ever."""
    await counter.hear(*(terms(n, 100_000) for n in (17, 18)), terms(19, 100_000, fund_id=FundId(2)))
    await want(counter, short_tolerance=Minor(2_500))
    await counter.receive(
        credit("E0", 50_000), credit("E1", 47_500), credit("E2", 97_499, 18), credit("E3", 99_999, 19)
    )
    for _ in range(2):
        await app.close_short_calls(pool, NOW)
    found = await counter.rows("select paid_minor, released_minor, status, version from payments.call order by id")
    assert [tuple(row.values()) for row in found] == [
        (97_500, 2_500, "paid", 3),
        (97_499, 0, "partially_paid", 2),
        (99_999, 0, "partially_paid", 2),
    ]
    charges = await counter.rows(
        """
        select g.call_id, p.external_id, g.amount_minor, g.currency, g.value_date = p.value_date as same_day
          from payments.charge g join payments.payment p on p.id = g.payment_id
        """
    )
    assert [tuple(row.values()) for row in charges] == [(17, "E1", 2_500, "USD", True)]
    last = [event for event in await counter.told() if event["call_id"] == 17][-1]
    assert [last[k] for k in ("amount", "released", "paid", "outstanding", "status", "previous_status", "applied")] == [
        *("975.00", "25.00", "975.00", "0.00", "paid", "partially_paid"),
        [],
    ]
    await counter.check()
    assert await broken(owner) == []


async def test_slice_after_slice_closes_all_short_calls(
    counter: Counter, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are."""
    monkeypatch.setattr(app, "CALLS_PER_SLICE", 4)
    await counter.issue(*range(1, 11), amount=1_000)
    await want(counter, short_tolerance=Minor(1))
    await counter.receive(*(credit(f"E{n}", 999, n) for n in range(1, 11)))
    await app.close_short_calls(pool, NOW)
    assert await counter.rows("select distinct status, released_minor from payments.call") == [
        {"status": "paid", "released_minor": 1}
    ]


async def test_two_copies_close_a_short_call_once(database: Ledger, counter: Counter, owner: Connection) -> None:
    """While the rest arrives by a late payment too: who is first wins, and the other finds it so."""
    await counter.issue(*range(1, 21), amount=1_000)
    await want(counter, short_tolerance=Minor(10))
    await counter.receive(*(credit(f"E{n}", 990, n) for n in range(1, 21)))
    async with database.connect("payments") as one, database.connect("payments") as two:

        async def close(db: Connection) -> int:
            async with db.transaction():
                return await handlers.close_short_calls(db, now=NOW)

        await asyncio.gather(
            close(one), close(two), counter.receive(*(credit(f"L{n}", 10, n) for n in range(20, 0, -1)))
        )
    found = await counter.rows("select paid_minor + released_minor as both, status from payments.call")
    assert {(row["both"], row["status"]) for row in found} == {(1_000, "paid")}
    await counter.check()
    assert await broken(owner) == []


async def test_a_reversal_reopens_what_was_paid_and_not_what_was_released(
    counter: Counter, pool: Pool, owner: Connection
) -> None:
    """The charge stays on its line, and is made only once, however short the call is afterwards."""
    await counter.issue(17, amount=1_000)
    await want(counter, short_tolerance=Minor(100))
    short = credit("E1", 950)
    await counter.receive(short)
    await app.close_short_calls(pool, NOW)
    await counter.receive(reversal(short), credit("E2", 900))
    await app.close_short_calls(pool, NOW)
    row = await counter.call()
    assert (row["paid_minor"], row["released_minor"], row["status"]) == (900, 50, "partially_paid")
    assert len(await counter.rows("select from payments.charge")) == 1
    await counter.check()
    assert await broken(owner) == []


async def test_a_call_shows_its_charge(api: Api, pool: Pool) -> None:
    """With the payment that was short, by both its names."""
    await api.counter.issue(17, amount=1_000_00)
    assert (await api.get("/api/capital-calls/17"))["charges"] == []
    await want(api.counter, short_tolerance=Minor(25_00))
    await api.counter.receive(credit("E1", 985_00))
    await app.close_short_calls(pool, NOW)
    shown = await api.get("/api/capital-calls/17")
    payment = await api.payment("E1")
    assert shown["charges"] == [
        {"payment": payment["id"], "payment_id": "E1", "amount": "15.00", "value_date": payment["value_date"]}
    ]
    assert (shown["paid"], shown["released"], shown["outstanding"]) == ("985.00", "15.00", "0.00")


# ---- over HTTP

PATH: Final = "/api/funds/1/payment-policy"
DEFAULT: Final = {
    "fund_id": 1,
    "currency": "USD",
    "over_payment": "hold",
    "short_tolerance": "0.00",
    "version": 0,
    "changed_by": None,
    "changed_at": None,
}


async def put(api: Api, body: Json, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await api.http.put(PATH, json=body, headers=named)
    assert response.status_code == status, response.text
    return response


async def test_a_policy_is_read_changed_and_read_again(api: Api) -> None:
    """Before anybody said anything it is the default, version 0; each change is a version, with who and when, and one
    audit entry with the reason; what is left out is wanted as by default."""
    await api.counter.issue(17)
    assert await api.get(PATH) == DEFAULT
    first = await put(api, {"over_payment": "apply_and_hold_excess", "reason": "as agreed"}, x_actor="treasurer")
    assert first.json() == {
        **DEFAULT,
        "over_payment": "apply_and_hold_excess",
        "version": 1,
        "changed_by": "treasurer",
        "changed_at": "2026-03-02T12:00:00Z",
    }
    second = await put(api, {"short_tolerance": "25.50"}, if_match=first.headers["etag"])
    assert (second.headers["etag"], second.json()["over_payment"]) == ('"2"', "hold")
    assert await api.get(PATH) == second.json()
    assert await api.counter.rows("select short_tolerance_minor from payments.fund_policy") == [
        {"short_tolerance_minor": 2_550}
    ]
    assert await api.audited() == [("policy.change", "done", "as agreed"), ("policy.change", "done", None)]


async def test_a_change_needs_the_version_that_was_seen(api: Api) -> None:
    """Once a policy was set: none at all is 428, another one 412 with the current version, a weak tag is none of ours;
    nothing is changed by any."""
    await api.counter.issue(17)
    assert (await api.http.get(PATH)).headers["etag"] == '"0"'
    await put(api, {}, 412, if_match='"1"')
    await put(api, {}, if_match='"0"')
    assert (await put(api, {}, 428)).json()["code"] == "version_required"
    for tag in ('"0"', '"2"', 'W/"1"', "1", '"x"', '"0", "7"'):
        refused = (await put(api, {"over_payment": "apply_and_hold_excess"}, 412, if_match=tag)).json()
        assert (refused["code"], refused["current_version"]) == ("version_conflict", 1)
    assert (await api.get(PATH))["version"] == 1
    await put(api, {}, if_match='"7", "1"')
    await put(api, {}, if_match="*")
    assert (await api.get(PATH))["version"] == 3


async def test_of_two_people_who_saw_the_same_version_one_changes_it(api: Api) -> None:
    """The other is told to look again, the first time too."""
    await api.counter.issue(17)
    for version in range(5):
        answers = await asyncio.gather(
            *(api.http.put(PATH, json={}, headers={"if-match": f'"{version}"'}) for _ in range(4))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_the_same_request_again_is_answered_from_its_key(api: Api) -> None:
    """With the tag of that answer, whatever the policy is by now."""
    await api.counter.issue(17)
    first = await put(api, {}, idempotency_key="K1")
    await put(api, {}, if_match='"1"')
    again = await put(api, {}, idempotency_key="K1")
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.json(), again.headers["etag"]) == (first.json(), '"1"')


@pytest.mark.parametrize(
    "wrong",
    [
        {"over_payment": "keep"},
        {"short_tolerance": "-1"},
        {"short_tolerance": "1.001"},
        {"short_tolerance": 1.5},
        {"short_tolerance": "999999999999999"},
        {"tolerance": "1"},
    ],
)
async def test_a_wrong_policy_is_refused(api: Api, wrong: Json) -> None:
    """With the value that is wrong; nothing is stored."""
    await api.counter.issue(17)
    assert (await put(api, wrong, 422)).json()["errors"]
    assert await api.get(PATH) == DEFAULT


async def test_an_unknown_fund_has_no_policy(api: Api) -> None:
    """To read it and to change it are 404."""
    assert (await api.get(PATH, 404))["code"] == "fund_not_found"
    assert (await put(api, {}, 404)).json()["code"] == "fund_not_found"
