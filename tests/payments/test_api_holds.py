"""Promises of the queue of holds over HTTP: found, owned, explained, and decided by the hundred."""

from datetime import timedelta

import pytest

from services.payments import store
from services.payments.store import Account
from shared.http import encode_cursor
from shared.ids import FundId
from shared.postgres import Connection
from tests.payments.asking import Api, Json
from tests.payments.making import NOW, credit, reversal, terms

DAY = timedelta(days=1)


async def queue(api: Api, **query: object) -> list[Json]:
    """All pages of the queue, two holds at a time."""
    seen: list[Json] = []
    page = await api.get("/api/holds", limit=2, **query)
    while True:
        seen += page["items"]
        if page["next"] is None:
            return seen
        page = await api.get("/api/holds", limit=2, cursor=page["next"], **query)


async def names(api: Api, **query: object) -> list[str]:
    return [hold["payment_id"] for hold in await queue(api, **query)]


async def hold_id(api: Api, external_id: str) -> int:
    found: int = (await api.payment(external_id))["hold_id"]
    return found


async def fill(api: Api) -> None:
    """Six holds: of three reasons, two sources and currencies, from five days ago to today."""
    await api.counter.hear(terms(17, 100_00, fund_id=FundId(1)), terms(18, 900_00, fund_id=FundId(2)))
    await store.add_account(api.counter.db, Account("bank/two", FundId(2), "USD"), NOW)
    await api.counter.receive(credit("E1", 500_00, 17), now=NOW - 5 * DAY)
    await api.counter.receive(credit("E2", 700_00, None), now=NOW - 4 * DAY)
    await api.counter.receive(credit("E3", 100_00, None, source="bank/two"), now=NOW - 3 * DAY)
    await api.counter.receive(credit("E4", 7_000, None, currency="JPY"), now=NOW - 2 * DAY)
    await api.counter.receive(credit("E1", 999_00, 17), reversal(credit("E9", 300_00)), now=NOW)


async def test_the_queue_shows_the_oldest_or_the_largest_first(api: Api) -> None:
    """Every hold once, page by page, conflicts and reversals too."""
    await fill(api)
    by_age = [(hold["payment_id"], hold["reason"], hold["age_days"]) for hold in await queue(api)]
    assert by_age == [
        ("E1", "over_payment", 5),
        ("E2", "no_match", 4),
        ("E3", "no_match", 3),
        ("E4", "no_match", 2),
        ("E1", "identity_conflict", 0),
        ("R1", "original_not_found", 0),
    ]
    by_amount = [(hold["amount"], hold["currency"]) for hold in await queue(api, sort="amount")]
    assert by_amount == [
        *(("999.00", "USD"), ("700.00", "USD"), ("500.00", "USD"), ("300.00", "USD"), ("100.00", "USD")),
        ("7000", "JPY"),
    ]


async def test_the_queue_is_narrowed(api: Api) -> None:
    """By reason, fund, source, age and owner, alone and together; nothing matches what is not there."""
    await fill(api)
    assert await names(api, reason="no_match") == ["E2", "E3", "E4"]
    assert await names(api, fund_id=2) == ["E3"]
    assert await names(api, source="bank/two") == ["E3"]
    assert await names(api, source="bank/acme-usd-1", reason="identity_conflict") == ["E1"]
    assert await names(api, source="bank/nobody") == []
    assert await names(api, older_than_days=3) == ["E1", "E2", "E3"]
    assert await names(api, older_than_days=4, reason="no_match", sort="amount") == ["E2"]
    assert await names(api, owner="ann") == []
    await api.post(f"/api/holds/{await hold_id(api, 'E2')}/assign", {"owner": "ann"})
    assert await names(api, owner="ann") == ["E2"]


async def test_resolved_holds_have_a_list_of_their_own(api: Api) -> None:
    """With what became of them, as old as they got, and without candidates."""
    await fill(api)
    await api.act("E3", "resolve", {"action": "return"})
    assert await names(api) == ["E1", "E2", "E4", "E1", "R1"]
    (resolved,) = await queue(api, state="resolved")
    assert {name: resolved[name] for name in ("payment_id", "state", "resolution", "age_days", "candidates")} == {
        "payment_id": "E3",
        "state": "resolved",
        "resolution": "returned",
        "age_days": 3,
        "candidates": [],
    }


async def test_a_hold_is_shown_with_its_best_three_candidates(api: Api) -> None:
    """The page of one hold has all of them, and what was decided before."""
    await api.counter.issue(*range(1, 7), amount=500)
    await api.counter.receive(credit("E1", 500, 3))
    await api.act("E1", "unapply", {})
    (listed,) = await queue(api)
    assert [[part["call_id"] for part in each["parts"]] for each in listed["candidates"]] == [[3], [1], [2]]
    assert [each["score"] for each in listed["candidates"]] == [80, 40, 40]
    detail = await api.get(f"/api/holds/{listed['id']}")
    assert len(detail["candidates"]) == 6
    assert [(d["action"], d["actor"], d["reason"], d["explanation"]) for d in detail["decisions"]] == [
        ("unapply", "local", "as agreed", None)
    ]
    assert {**listed, "candidates": detail["candidates"], "decisions": detail["decisions"]} == detail


async def test_a_choice_is_explained_where_the_money_is(api: Api) -> None:
    """The rule, what it met, and the rivals that were refused, with who decided and why."""
    await api.counter.issue(1, 2, amount=500)
    await api.counter.receive(credit("E1", 500, None))
    parts = [{"call_id": 2, "amount": "5.00"}]
    done = await api.act("E1", "resolve", {"action": "apply", "parts": parts})
    (application,) = done["applications"]
    assert application["explanation"] == {
        "by": None,
        "rule": "exact_amount",
        "score": 40,
        "inputs": [
            {"rule": "exact_amount", "points": 40, "told": "5.00 on hold", "matched": "5.00 outstanding on call 2"}
        ],
        "passed_over": [],
        "with_payments": [],
        "rivals": [
            {
                "rule": "exact_amount",
                "score": 40,
                "parts": [{"call_id": 1, "amount": "5.00"}],
                "with_payments": [],
            }
        ],
        "decided_by": "local",
        "reason": "as agreed",
    }
    assert await api.payment("E1") == done
    (resolved,) = await queue(api, state="resolved")
    (decision,) = (await api.get(f"/api/holds/{resolved['id']}"))["decisions"]
    assert decision["explanation"] == application["explanation"]


async def test_what_a_text_decided_is_explained_too(api: Api) -> None:
    """The rule, and the words that it went by."""
    await api.counter.issue(17)
    await api.counter.receive(credit("E1", 100, 17))
    (application,) = (await api.payment("E1"))["applications"]
    why = application["explanation"]
    assert (why["rule"], why["by"], why["decided_by"]) == ("call_id", "matching_1", None)
    assert why["inputs"] == [{"rule": "call_id", "points": None, "told": "call_id: 17", "matched": "call 17"}]
    (listed,) = (await api.get("/api/payments"))["items"]
    assert listed["applications"][0]["explanation"] is None


async def test_a_call_that_was_no_candidate_is_a_persons_own_choice(api: Api) -> None:
    """Everything that was proposed is a rival then; each decision keeps its own explanation."""
    await api.counter.issue(1, amount=500)
    await api.counter.issue(2, amount=900)
    await api.counter.receive(credit("E1", 500, None))
    for call, rule in ((2, "person"), (1, "exact_amount")):
        parts = [{"call_id": call, "amount": "5.00"}]
        (application,) = (await api.act("E1", "resolve", {"action": "apply", "parts": parts}))["applications"]
        assert application["explanation"]["rule"] == rule
        await api.act("E1", "unapply", {})
    kept = await api.counter.rows("select explanation ->> 'rule' as rule from payments.resolution order by id")
    assert [row["rule"] for row in kept] == ["person", None, "exact_amount", None]


async def test_a_possible_duplicate_says_what_it_resembles(api: Api, owner: Connection) -> None:
    """In the queue and at the payment."""
    await api.counter.receive(credit("E1", 500, None), credit("E2", 500, None))
    first = (await api.counter.payment("E1"))["id"]
    second = (await api.counter.payment("E2"))["id"]
    await owner.execute(
        "update payments.hold set reason = 'possible_duplicate', resembles_id = $1 where payment_id = $2", first, second
    )
    (duplicate,) = await queue(api, reason="possible_duplicate")
    assert (duplicate["payment"], duplicate["resembles"], duplicate["candidates"]) == (second, first, [])
    assert (await api.payment("E2"))["resembles"] == first
    assert (await api.payment("E1"))["resembles"] is None


async def test_the_queue_in_numbers(api: Api) -> None:
    """By reason with its currency; by currency only what is money of investors."""
    assert await api.get("/api/holds/summary") == {
        "holds": 0,
        "oldest": None,
        "oldest_age_days": None,
        "by_reason": [],
        "by_currency": [],
    }
    await fill(api)
    summary = await api.get("/api/holds/summary")
    assert (summary["holds"], summary["oldest_age_days"]) == (6, 5)
    shown = ("reason", "kind", "currency", "holds", "amount", "oldest_age_days")
    assert [tuple(each[name] for name in shown) for each in summary["by_reason"]] == [
        ("identity_conflict", "credit", "USD", 1, "999.00", 0),
        ("no_match", "credit", "JPY", 1, "7000", 2),
        ("no_match", "credit", "USD", 2, "800.00", 4),
        ("original_not_found", "reversal", "USD", 1, "300.00", 0),
        ("over_payment", "credit", "USD", 1, "500.00", 5),
    ]
    assert [tuple(each[name] for name in shown[2:]) for each in summary["by_currency"]] == [
        ("JPY", 1, "7000", 2),
        ("USD", 3, "1300.00", 5),
    ]


async def test_an_owner_is_kept_and_its_history_audited(api: Api) -> None:
    """The same owner again changes nothing; nobody is an owner too; what is resolved needs none."""
    await api.counter.receive(credit("E1", 500, None))
    path = f"/api/holds/{await hold_id(api, 'E1')}/assign"
    mine = await api.post(path, {"owner": "ann"})
    assert (mine["owner"], mine["owned_since"]) == ("ann", "2026-03-02T12:00:00Z")
    assert await api.post(path, {"owner": "ann"}) == mine
    assert (await api.post(path, {"owner": None}))["owned_since"] is None
    entries = await api.counter.told("audit.recorded")
    assert [(e["action"], e["resource_id"], e["after"]["owner"]) for e in entries] == [
        ("hold.assign", str(mine["id"]), owner) for owner in ("ann", "ann", None)
    ]
    await api.post(path, {"owner": ""}, 422)
    await api.post(path, {}, 422)
    await api.act("E1", "resolve", {"action": "return"})
    assert (await api.post(path, {"owner": "bob"}, 409))["code"] == "hold_resolved"
    assert (await api.post("/api/holds/99/assign", {"owner": "bob"}, 404))["code"] == "hold_not_found"
    assert (await api.get("/api/holds/99", 404))["code"] == "hold_not_found"


@pytest.mark.parametrize(
    "query",
    [
        *({"sort": "size"}, {"state": "lost"}, {"reason": "mood"}, {"older_than_days": "-1"}, {"owner": ""}),
        *({"older_than_days": "36501"}, {"fund_id": "0"}, {"cursor": "nonsense"}, {"source": "two words"}),
        {"sort": "amount", "cursor": encode_cursor(NOW, 1)},  # the cursor of the other order
    ],
    ids=str,
)
async def test_a_question_that_makes_no_sense_is_refused(api: Api, query: dict[str, str]) -> None:
    """In words, before anything is looked up."""
    await api.get("/api/holds", 400, **query)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_cursor_beyond_all_time_breaks_nothing(api: Api, moment: str) -> None:
    """Whoever makes cursors by hand gets a page, all or nothing."""
    await api.counter.receive(credit("E1", 500, None))
    cursor = encode_cursor(moment, 1)
    assert len((await api.get("/api/holds", cursor=cursor))["items"]) == (1 if moment.startswith("0001") else 0)
