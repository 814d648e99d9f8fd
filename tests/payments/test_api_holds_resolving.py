"""Promises of many decisions at once: each by itself, done once, told one by one, whatever breaks off in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.postgres import Connection
from tests.payments.asking import Api, Json
from tests.payments.making import credit


async def decide(api: Api, items: list[Json], status: int = 200, **more: Any) -> Json:
    """Many decisions at once."""
    headers = {"Idempotency_Key": more.pop("key")} if "key" in more else {}
    return await api.post("/api/holds/resolve", {"items": items, **more}, status, **headers)


async def item(api: Api, external_id: str, action: str = "return", **more: Any) -> Json:
    payment_id = (await api.counter.payment(external_id))["id"]
    return {"payment_id": payment_id, "action": action, "reason": "as agreed", **more}


async def test_many_decisions_are_done_each_by_itself(api: Api) -> None:
    """In the order of payments; what is refused says why and changes nothing, the others are done."""
    await api.counter.issue(17, amount=500)
    await api.counter.receive(*(credit(f"E{n}", 500, None) for n in range(5)))
    part = [{"call_id": 17, "amount": "5.00"}]
    items = [
        await item(api, "E4", "dismiss"),
        await item(api, "E1", "apply", parts=part),
        await item(api, "E0", "apply", parts=part),
        await item(api, "E2", "apply"),
        {"payment_id": 2**63 - 1, "action": "return", "reason": "x"},
        await item(api, "E3", "apply", parts=[{"call_id": 17, "amount": "5.001"}]),
    ]
    answer = await decide(api, items)
    ids = [(await api.counter.payment(f"E{n}"))["id"] for n in range(5)]
    assert [(one["payment_id"], one["result"]) for one in answer["results"]] == [
        (ids[0], "done"),
        (ids[1], "over_payment"),
        (ids[2], "invalid_parts"),
        (ids[3], "invalid_amount"),
        (ids[4], "done"),
        (2**63 - 1, "payment_not_found"),
    ]
    assert (answer["done"], answer["refused"], answer["dry_run"]) == (2, 4, False)
    for one in answer["results"]:
        assert (one["detail"] is None) == (one["recommendation"] is None) == (one["result"] == "done")
    held = [(await api.payment(f"E{n}"))["status"] for n in range(5)]
    assert held == ["applied", "held", "held", "held", "dismissed"]
    audited = [(action, outcome) for action, outcome, _ in await api.audited()]
    assert audited == [
        *(("payment.apply", "done"), ("payment.apply", "refused"), ("payment.apply", "refused")),
        *(("payment.apply", "refused"), ("payment.dismiss", "done"), ("payment.return", "refused")),
    ]
    await api.counter.check()


async def test_a_payment_that_stands_twice_in_a_list_is_decided_once(api: Api) -> None:
    """The second decision finds nothing on hold."""
    await api.counter.receive(credit("E1", 500, None))
    answer = await decide(api, [await item(api, "E1", "return"), await item(api, "E1", "dismiss")])
    assert [one["result"] for one in answer["results"]] == ["done", "invalid_transition"]


async def test_a_rehearsal_changes_nothing(api: Api) -> None:
    """A dry run says of each by itself what would become of it; nothing is written, told or audited."""
    await api.counter.issue(17, amount=500)
    await api.counter.receive(credit("E1", 500, None), credit("E2", 400, None))
    items = [
        await item(api, "E1", "apply", parts=[{"call_id": 17, "amount": "5.00"}]),
        await item(api, "E2", "apply", parts=[{"call_id": 17, "amount": "4.001"}]),
    ]
    before = await api.counter.rows("select count(*) from payments.outbox_event")
    answer = await decide(api, items, dry_run=True)
    assert [one["result"] for one in answer["results"]] == ["done", "invalid_amount"]
    assert (answer["dry_run"], answer["done"]) == (True, 1)
    assert await api.counter.rows("select count(*) from payments.outbox_event") == before
    assert [h[1] for h in await api.counter.holds()] == ["open", "open"]
    assert (await decide(api, items))["done"] == 1


@contextlib.asynccontextmanager
async def refusing(owner: Connection, payment_id: int, sqlstate: str) -> AsyncIterator[None]:
    """The database itself refuses every decision about one payment."""
    await owner.execute(
        f"""
        create function payments.refuse() returns trigger language plpgsql as
        $$ begin raise exception 'refused' using errcode = '{sqlstate}'; end $$;
        create trigger refuses before insert on payments.resolution for each row
            when (new.payment_id = {payment_id}) execute function payments.refuse();
        """
    )
    try:
        yield
    finally:
        await owner.execute("drop trigger refuses on payments.resolution; drop function payments.refuse()")


async def test_a_list_that_broke_off_is_sent_again(api: Api, owner: Connection) -> None:
    """The database goes away at the third of five decisions: two are done. The same list with the same key does the
    rest, and nothing twice."""
    await api.counter.receive(*(credit(f"E{n}", 500, None) for n in range(5)))
    items = [await item(api, f"E{n}", "return") for n in range(5)]
    async with refusing(owner, items[2]["payment_id"], "57P01"):
        assert (await decide(api, items, 503, key="k"))["code"] == "database_away"
    assert [(await api.payment(f"E{n}"))["status"] for n in range(5)] == ["returned"] * 2 + ["held"] * 3
    answer = await decide(api, items, key="k")
    assert [one["result"] for one in answer["results"]] == ["done"] * 5
    assert await decide(api, items, key="k") == answer
    assert len(await api.counter.rows("select id from payments.resolution")) == 5
    assert [outcome for _, outcome, _ in await api.audited()] == ["done"] * 5
    assert (await decide(api, items))["refused"] == 5


async def test_what_cannot_be_locked_is_told_and_the_others_are_done(api: Api, owner: Connection) -> None:
    """A payment that somebody holds on to keeps nobody else's decision from being done."""
    await api.counter.receive(*(credit(f"E{n}", 500, None) for n in range(3)))
    items = [await item(api, f"E{n}", "return") for n in range(3)]
    async with refusing(owner, items[1]["payment_id"], "55P03"):
        answer = await decide(api, items)
    assert [one["result"] for one in answer["results"]] == ["done", "busy", "done"]
    assert [(await api.payment(f"E{n}"))["status"] for n in range(3)] == ["returned", "held", "returned"]


async def test_a_key_belongs_to_one_decision(api: Api) -> None:
    """The same key with another decision about the same payment is refused for that payment alone."""
    await api.counter.receive(credit("E1", 500, None), credit("E2", 500, None))
    first, second = await item(api, "E1", "return"), await item(api, "E2", "return")
    await decide(api, [first], key="k")
    answer = await decide(api, [{**first, "action": "dismiss"}, second], key="k")
    assert [one["result"] for one in answer["results"]] == ["idempotency_key_reused", "done"]


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"payment_id": 1, "action": "return", "reason": "x"}] * 501,
        [{"payment_id": 1, "action": "steal", "reason": "x"}],
        [{"payment_id": 1, "action": "return"}],
        [{"payment_id": 0, "action": "return", "reason": "x"}],
    ],
    ids=["none", "too many", "no action", "no reason", "no payment"],
)
async def test_a_list_is_read_whole_before_anything_is_done(api: Api, items: list[Json]) -> None:
    """One line that makes no sense refuses the list."""
    assert (await decide(api, items, 422))["errors"]


async def test_conflicts_and_duplicates_are_dismissed_by_the_list(api: Api) -> None:
    """What a client found in the queue, it sends back as a list."""
    await api.counter.issue(17)
    await api.counter.receive(credit("E1", 100), credit("E1", 200), credit("E1", 300))
    items = [
        {"payment_id": hold["payment"], "action": "dismiss", "reason": "the bank says so"}
        for hold in (await api.get("/api/holds", reason="identity_conflict"))["items"]
    ]
    assert (await decide(api, items))["done"] == 2
    assert (await api.get("/api/holds"))["items"] == []


async def test_two_lists_at_once_decide_each_payment_once(api: Api) -> None:
    """One waits for the other, payment by payment; what one has done, the other finds done."""
    await api.counter.receive(*(credit(f"E{n}", 500, None) for n in range(6)))
    items = [await item(api, f"E{n}", "return") for n in range(6)]
    answers = await asyncio.gather(decide(api, items), decide(api, items[::-1]))
    for one, other in zip(answers[0]["results"], answers[1]["results"], strict=True):
        assert sorted([one["result"], other["result"]]) == ["done", "invalid_transition"]
    assert len(await api.counter.rows("select id from payments.resolution")) == 6
