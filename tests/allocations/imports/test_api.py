"""Promises of imported promises: what the rules allow is taken, told and never doubled; what they do not is refused."""

from typing import Any, Final

import pytest

from tests.allocations.imports.importing import FILE, UPLOAD, Importer, Row, allocation, call, deal, fund

EVERYTHING: Final = (fund(), deal(), allocation(), call())


async def test_rows_become_what_people_could_have_made(importer: Importer) -> None:
    """A fund, a deal, a commitment and a call by their own keys, with the dates that the rows give."""
    results = await importer.hand_in(*EVERYTHING)
    assert results == [(row, "created", None) for row in (2, 3, 4, 5)]
    (made,) = (await importer.client.get("/api/allocations")).json()["items"]
    amounts = {name: made[name] for name in ("committed", "planned", "called", "funded", "status", "version")}
    assert amounts == {
        "committed": "1000000.00",
        "planned": "400000.00",
        "called": "400000.00",
        "funded": "0.00",
        "status": "partially_called",
        "version": 2,
    }
    (shown,) = made["calls"]
    dates = {name: shown[name] for name in ("due_date", "notice_date", "issued_on", "stage", "seq_no")}
    assert dates == {
        "due_date": "2020-03-15",
        "notice_date": "2020-02-28",
        "issued_on": "2020-02-27",
        "stage": "issued",
        "seq_no": 1,
    }


async def test_every_version_is_told(importer: Importer) -> None:
    """Read models and the record learn of imported things as of any others: each version, in its order."""
    await importer.hand_in(*EVERYTHING, call("C2", 6, amount="600000"))
    said = [
        (one["version"], one["status"], one["cause"]) for one in await importer.versions("allocation.status_changed")
    ]
    assert said == [(1, "committed", "ALLOCATE"), (2, "called", "CREATE_CALL")]
    stages = [(one["version"], one["stage"]) for one in await importer.versions("deal.changed")]
    assert stages == [(1, "prospect"), (2, "committed")]
    assert [one["seq_no"] for one in await importer.versions("call.terms_changed")] == [1, 2]
    (entry,) = await importer.versions("audit.recorded")
    assert (entry["action"], entry["resource_id"], entry["outcome"]) == ("import.promises", FILE, "done")


async def test_the_same_rows_again_change_nothing(importer: Importer) -> None:
    """A file that is imported twice, however it is cut into chunks, is there once; amounts may be written otherwise."""
    await importer.hand_in(*EVERYTHING)
    before = await importer.counts()
    results = await importer.hand_in(deal(), call(amount="0400000.0"))
    assert results == [(3, "already_there", None), (5, "already_there", None)]
    assert await importer.counts() == {**before, "audit.recorded": 2}


async def test_the_same_chunk_answers_the_same(importer: Importer) -> None:
    """Whoever lost the answer asks again with the chunk's key and gets it, word for word."""
    chunk = {"import_id": FILE, "rows": list(EVERYTHING)}
    first = await importer.ask("/api/imports", chunk, idempotency_key="one")
    assert await importer.ask("/api/imports", chunk, idempotency_key="one") == first
    assert (await importer.counts())["call"] == 1


async def test_later_chunks_refer_to_earlier_ones(importer: Importer) -> None:
    """Keys are remembered: a call comes a file later than its allocation, and takes the next place."""
    await importer.hand_in(*EVERYTHING)
    assert await importer.hand_in(call("C2", 2, amount="1.00")) == [(2, "created", None)]
    ids = await importer.ask("/api/imports/keys", {"kind": "call", "keys": ["C1", "C2", "C3"]})
    assert set(ids["ids"]) == {"C1", "C2"}
    assert [one["seq_no"] for one in await importer.versions("call.terms_changed")] == [1, 2]


REFUSED: Final[list[tuple[str, Row, str, str]]] = [
    ("no type", {"row": 9, "type": "fnud"}, "invalid_value", "type: must be one of"),
    ("unknown cell", deal("D9", 9, colour="red"), "invalid_value", "colour: Extra inputs are not permitted"),
    ("missing cell", {"row": 9, "type": "deal", "deal_key": "D9"}, "invalid_value", "name: Field required"),
    ("blank around a key", deal(" D9", 9), "invalid_value", "deal_key: must not begin or end with a blank"),
    ("control character", deal("D9", 9, name="a\x00b"), "invalid_value", "name: must not contain control"),
    ("currency", fund("F9", 9, currency="XXX"), "invalid_value", "currency: must be an ISO 4217 code"),
    ("time zone", fund("F9", 9, time_zone="Mars/Base"), "invalid_value", "time_zone: must be an IANA"),
    ("thousands", allocation("A9", 9, committed="1,000.00"), "invalid_value", "committed: must be a decimal string"),
    ("exponent", call("C9", 9, amount="1e3"), "invalid_value", "amount: must be a decimal string"),
    ("zero", call("C9", 9, amount="0.00"), "invalid_value", "amount: must be more than 0"),
    ("half a cent", call("C9", 9, amount="0.005"), "invalid_amount", "0.005 has more decimals than USD has"),
    ("a date of a spreadsheet", call("C9", 9, due_date="3/15/2020"), "invalid_value", "due_date: must be a date such"),
    ("no such day", call("C9", 9, due_date="2021-02-29"), "invalid_value", "due_date:"),
    ("notice after due", call("C9", 9, notice_date="2020-03-16"), "invalid_value", "notice_date: must not be after"),
    ("issued tomorrow", call("C9", 9, issued_on="2026-02-03"), "invalid_value", "issued_on: must not be after today"),
    ("issued and scheduled", call("C9", 9, stage="scheduled"), "invalid_value", "issued_on: a scheduled call"),
    ("days", call("C9", 9, grace_days="ten"), "invalid_value", "grace_days: must be a whole number"),
    ("fund", allocation("A9", 9, fund_key="F9"), "fund_not_found", "There is no fund with the key F9."),
    ("deal", allocation("A9", 9, deal_key="D9"), "deal_not_found", "There is no deal with the key D9."),
    ("allocation", call("C9", 9, allocation_key="A9"), "allocation_not_found", "no allocation with the key A9"),
    ("second commitment", allocation("A9", 9), "allocation_exists", "has committed to deal D1 already"),
    ("over-commitment", call("C9", 9, amount="600000.01"), "over_commitment", "more than the 600000.00 USD still free"),
    ("key of another", deal("D1", 9, name="Other"), "identity_conflict", "the key D1 stands for deal"),
]


@pytest.mark.parametrize(("row", "code", "says"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
async def test_a_bad_row_is_refused_and_the_others_are_taken(
    importer: Importer, row: Row, code: str, says: str
) -> None:
    """Each row is judged by itself, by the code that HTTP has for it, in words that say what is wrong."""
    await importer.hand_in(*EVERYTHING)
    body = {"import_id": FILE, "rows": [row, deal("D2", 10)]}
    bad, good = (await importer.ask("/api/imports", body))["results"]
    assert (bad["row"], bad["outcome"], bad["code"]) == (9, "refused", code)
    assert says in bad["detail"]
    assert (good["row"], good["outcome"]) == (10, "created")


async def test_calls_of_one_chunk_share_what_is_free(importer: Importer) -> None:
    """The guard over a commitment counts the rows before: the second call fits no more, a third smaller one does."""
    rows = [call("C1", 5, amount="700000.00"), call("C2", 6), call("C3", 7, amount="300000.00")]
    results = await importer.hand_in(fund(), deal(), allocation(), *rows)
    assert results[3:] == [(5, "created", None), (6, "refused", "over_commitment"), (7, "created", None)]
    assert [one["seq_no"] for one in await importer.versions("call.terms_changed")] == [1, 2]


async def test_a_scheduled_call_waits_for_its_notice_date(importer: Importer) -> None:
    """What history still has ahead of it is planned, and the clock issues it as any other."""
    ahead = call(stage="scheduled", due_date="2026-09-01")
    del ahead["issued_on"]
    await importer.hand_in(fund(), deal(), allocation(), ahead)
    (said,) = await importer.versions("call.terms_changed")
    assert (said["stage"], said["issued_on"], said["notice_date"]) == ("scheduled", None, "2026-08-18")


async def test_a_dry_run_keeps_nothing(importer: Importer) -> None:
    """The same verdicts as for real, from rows of this chunk and rows that are assumed, and not a trace afterwards."""
    rows = [call(), call("C2", 6, amount="600000.01"), call("C3", 7, allocation_key="A9")]
    body = {"import_id": FILE, "rows": rows, "assume": [fund(), deal(), allocation()]}
    answer = await importer.ask("/api/imports/dry-run", body)
    outcomes = [(one["outcome"], one["code"]) for one in answer["results"]]
    assert outcomes == [("created", None), ("refused", "over_commitment"), ("refused", "allocation_not_found")]
    assert [(one["amount"], one["currency"]) for one in answer["terms"]] == [("400000.00", "USD")]
    assert await importer.counts() == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"import_id": "abc", "rows": []}, 422),
        ({"import_id": FILE, "rows": [{"type": "deal"}]}, 422),
        ({"import_id": FILE, "rows": [{"row": 0}]}, 422),
        ({"import_id": FILE, "rows": [], "assume": [deal()]}, 422),
        ({"import_id": FILE, "rows": [{"row": 1}] * 10_001}, 422),
        ([], 400),
    ],
)
async def test_a_chunk_that_is_none_is_refused(importer: Importer, body: Any, status: int) -> None:
    """What cannot be a chunk at all is refused whole, as any other request."""
    await importer.ask("/api/imports", body, status)


async def test_no_web_page_can_import(importer: Importer) -> None:
    """Without the header that a browser sends to no other site, nothing is taken."""
    answer = await importer.client.post("/api/imports", json={"import_id": FILE, "rows": []})
    assert answer.status_code == 415
    assert UPLOAD["x-drawdown-upload"] == "1"
