"""Promises to whoever sends a wrong body: 400, with the place and the words of each value that is wrong."""

import json
from collections.abc import MutableMapping, Sequence
from typing import Any, Final

import pytest

from shared.ids import LARGEST
from shared.telemetry import REGISTRY
from tests.allocations.reallocation.planner import Planned, Planner, Row

Loc = Sequence[str | int]

MEMBERS: Final = ["error", "message", "details", "type", "title", "status", "detail", "code", "recommendation"]
LIST: Final = ["body", "proposed_allocations"]
ROW: Final[Loc] = [*LIST, 0]


def one(**cells: Any) -> Row:
    """A proposal of one row with other cells; a cell of None is left out."""
    row = {"company_id": "A", "planned_reserves_cents": 5, **cells}
    named = {name: cell for name, cell in row.items() if cell is not LEFT_OUT}
    return {"current_version": 1, "proposed_allocations": [named]}


LEFT_OUT: Final = object()
INTEGER: Final = "must be a whole number such as 17"
MOST: Final = "Input should be less than or equal to 999999999999999"

# A body, in which the companies are called A and B; where it is wrong, and how that is said.
WRONG: Final[dict[str, tuple[Any, Loc, str]]] = {
    "negative": (one(planned_reserves_cents=-1), [*ROW, "planned_reserves_cents"], "greater than or equal to 0"),
    "half a cent": (one(planned_reserves_cents=1.5), [*ROW, "planned_reserves_cents"], INTEGER),
    "text": (one(planned_reserves_cents="5"), [*ROW, "planned_reserves_cents"], INTEGER),
    "a boolean": (one(planned_reserves_cents=True), [*ROW, "planned_reserves_cents"], INTEGER),
    "null": (one(planned_reserves_cents=None), [*ROW, "planned_reserves_cents"], INTEGER),
    "a list": (one(planned_reserves_cents=[5]), [*ROW, "planned_reserves_cents"], INTEGER),
    "not a number": (one(planned_reserves_cents=float("nan")), [*ROW, "planned_reserves_cents"], INTEGER),
    "infinite": (one(planned_reserves_cents=float("inf")), [*ROW, "planned_reserves_cents"], INTEGER),
    "2^63": (one(planned_reserves_cents=2**63), [*ROW, "planned_reserves_cents"], MOST),
    "2^63 - 1": (one(planned_reserves_cents=LARGEST), [*ROW, "planned_reserves_cents"], MOST),
    "10^15": (one(planned_reserves_cents=10**15), [*ROW, "planned_reserves_cents"], MOST),
    "beyond all numbers": (one(planned_reserves_cents=10**400), [*ROW, "planned_reserves_cents"], MOST),
    "no reserve": (one(planned_reserves_cents=LEFT_OUT), [*ROW, "planned_reserves_cents"], "Field required"),
    "negative cap": (one(allocation_cap_cents=-1), [*ROW, "allocation_cap_cents"], "greater than or equal to 0"),
    "half a cap": (one(allocation_cap_cents=0.5), [*ROW, "allocation_cap_cents"], INTEGER),
    "no company": (one(company_id=LEFT_OUT), [*ROW, "company_id"], "Field required"),
    "company 0": (one(company_id=0), [*ROW, "company_id"], "greater than or equal to 1"),
    "company 2^63": (one(company_id=2**63), [*ROW, "company_id"], f"less than or equal to {LARGEST}"),
    "company as text": (one(company_id="17"), [*ROW, "company_id"], INTEGER),
    "unknown member of a row": (one(colour="red"), [*ROW, "colour"], "Extra inputs are not permitted"),
    "a row that is none": ({**one(), "proposed_allocations": [5]}, ROW, "valid dictionary or object"),
    "unknown member": ({**one(), "colour": "red"}, ["body", "colour"], "Extra inputs are not permitted"),
    "no version": ({"proposed_allocations": one()["proposed_allocations"]}, ["body", "current_version"], "required"),
    "negative version": ({**one(), "current_version": -1}, ["body", "current_version"], "greater than or equal to 0"),
    "version 2^31": ({**one(), "current_version": 2**31}, ["body", "current_version"], "equal to 2147483647"),
    "version as text": ({**one(), "current_version": "1"}, ["body", "current_version"], INTEGER),
    "no proposal": ({"current_version": 1}, LIST, "Field required"),
    "an empty list": ({**one(), "proposed_allocations": []}, LIST, "at least 1 item"),
    "no list": ({**one(), "proposed_allocations": {}}, LIST, "valid list"),
    "too many": ({**one(), "proposed_allocations": [{}] * 10_001}, LIST, "at most 10000 items"),
}

COMMIT_ALONE: Final[dict[str, tuple[Any, Loc, str]]] = {
    "no digest": ({**one(), "digest": "abc"}, ["body", "digest"], "should match pattern"),
    "a user 0": ({**one(), "user_id": 0}, ["body", "user_id"], "greater than or equal to 1"),
    "a user by name": ({**one(), "user_id": "jane"}, ["body", "user_id"], INTEGER),
    "an empty reason": ({**one(), "reason": ""}, ["body", "reason"], "at least 1 character"),
    "a long reason": ({**one(), "reason": "x" * 201}, ["body", "reason"], "at most 200 characters"),
    "a reason of two lines": ({**one(), "reason": "a\nb"}, ["body", "reason"], "must not contain control characters"),
}

CASES: Final = [
    *(pytest.param(("preview", "commit"), *case, id=name) for name, case in WRONG.items()),
    *(pytest.param(("commit",), *case, id=name) for name, case in COMMIT_ALONE.items()),
]


def about(fund: Planned, body: Any) -> Any:
    """The body with the company's id in place of its letter."""
    text = json.dumps(body).replace('"A"', str(fund.companies[0])).replace('"B"', str(fund.companies[1]))
    return json.loads(text)


@pytest.mark.parametrize(("operations", "body", "loc", "says"), CASES)
async def test_8_body_validation(planner: Planner, operations: Sequence[str], body: Any, loc: Loc, says: str) -> None:
    """400 with the members of the contract and of a problem, the wrong value by its place; nothing is written."""
    fund = await planner.fund(100, 200)
    before = await planner.state()
    for operation in operations:
        problem = await planner.post(f"{fund.path}/{operation}", about(fund, body), 400)
        assert [member for member in problem if member != "errors"] == MEMBERS
        assert (problem["code"], problem["error"], problem["status"]) == ("invalid_value", "Invalid value", 400)
        assert [detail["loc"] for detail in problem["details"]] == [loc]
        assert says in problem["details"][0]["msg"]
        assert problem["message"] == problem["detail"] == f"{'.'.join(map(str, loc))}: {problem['details'][0]['msg']}"
    assert await planner.state() == before


@pytest.mark.parametrize("operation", ["preview", "commit"])
async def test_8_a_company_that_is_there_twice(planner: Planner, operation: str) -> None:
    """One company has one figure in one request, also where both are the same."""
    fund = await planner.fund(100, 200)
    body = fund.proposal(100, 200)
    body["proposed_allocations"] += body["proposed_allocations"][1:]
    problem = await planner.post(f"{fund.path}/{operation}", body, 400)
    assert problem["details"] == [{"loc": LIST, "msg": f"company {fund.companies[1]} is there twice"}]


@pytest.mark.parametrize("operation", ["preview", "commit"])
async def test_8_an_unknown_company(planner: Planner, operation: str) -> None:
    """400 that names it, though the company exists and the version is over: the fund has no reserves for it."""
    fund, stranger = await planner.fund(100, 200), await planner.company("S")
    body = Planned(fund.id, [*fund.companies, stranger]).proposal(110, None, 5, version=9)
    before = await planner.state()
    problem = await planner.post(f"{fund.path}/{operation}", body, 400)
    assert [member for member in problem if member != "errors"] == ["details", "error", "message", *MEMBERS[3:]]
    assert (problem["code"], problem["error"]) == ("unknown_company", "Unknown company")
    told = {"loc": LIST, "company_id": stranger, "msg": "the fund has no reserves for it"}
    assert problem["details"] == [told]
    assert await planner.state() == before


async def test_8_every_wrong_value_is_named(planner: Planner) -> None:
    """Whoever sends several mistakes sees them all at once."""
    fund = await planner.fund(100)
    body = {"current_version": "1", "proposed_allocations": [{"company_id": 0}]}
    problem = await planner.preview(fund, body, 400)
    found = [detail["loc"] for detail in problem["details"]]
    assert found == [["body", "current_version"], [*ROW, "company_id"], [*ROW, "planned_reserves_cents"]]


@pytest.mark.parametrize(
    "body",
    [b"null", b"[]", b"5", b'"x"', b"", b"{", b"\xff", b'{"a": "\xff"}', b"[" * 100_000],
    ids=["null", "a list", "a number", "text", "nothing", "half", "no UTF-8", "no UTF-8 inside", "deep"],
)
async def test_8_what_is_no_object(planner: Planner, body: bytes) -> None:
    """400 as well, with all the members: it cannot be read at all."""
    fund = await planner.fund(100)
    for operation in ("preview", "commit"):
        problem = await planner.post(f"{fund.path}/{operation}", body, 400)
        assert [member for member in problem if member != "errors"] == MEMBERS
        assert (problem["code"], problem["error"]) == ("body_unreadable", "Body unreadable")
        assert problem["message"] == problem["detail"]


async def test_8_the_total_has_a_most(planner: Planner) -> None:
    """Each reserve may be as large as amounts are, and all of them together no larger."""
    fund = await planner.fund(0, 0)
    largest = 10**15 - 1
    assert (await planner.preview(fund, fund.proposal(largest)))["totals"]["total_allocated_after"] == largest
    problem = await planner.preview(fund, fund.proposal(largest, 1), 400)
    assert (problem["code"], problem["message"]) == (
        "invalid_total",
        f"All reserves of fund {fund.id} would be USD 10,000,000,000,000.00: more than USD 9,999,999,999,999.99.",
    )


async def test_8_whole_numbers_as_json_has_them(planner: Planner) -> None:
    """JSON knows one kind of number: 17.0 is 17; a null cap is none."""
    fund = await planner.fund(100)
    row = {"company_id": fund.companies[0], "planned_reserves_cents": 17.0, "allocation_cap_cents": None}
    body = {"current_version": 1.0, "proposed_allocations": [row]}
    assert (await planner.preview(fund, body))["deltas"][0]["to_cents"] == 17


@pytest.mark.parametrize("fund_id", ["0", "-1", "abc", str(2**63)])
async def test_a_path_that_is_no_fund(planner: Planner, fund_id: str) -> None:
    """400 as well, in the same shape."""
    body = {"current_version": 1, "proposed_allocations": [{"company_id": 1, "planned_reserves_cents": 1}]}
    problem = await planner.post(f"/api/funds/{fund_id}/reallocation/preview", body, 400)
    assert (problem["code"], problem["details"][0]["loc"]) == ("parameter_unreadable", ["path", "fund_id"])


async def test_a_mistake_of_ours_shows_nothing_internal(
    planner: Planner, logged: list[MutableMapping[str, Any]]
) -> None:
    """Where an administrator took a right away by mistake: 500 in the one shape, no SQL, no names, nothing written;
    what it was stands in the log."""
    fund = await planner.fund(100)
    before = await planner.state()
    failed = {"operation": "commit", "outcome": "failed"}
    count = REGISTRY.get_sample_value("drawdown_reallocation_requests_total", failed) or 0
    await planner.owner.execute("revoke insert on allocations.reallocation_audit from drawdown_allocations")
    try:
        answer = await planner.answer("POST", f"{fund.path}/commit", fund.proposal(110), x_correlation_id="order-7")
    finally:
        await planner.owner.execute("grant insert on allocations.reallocation_audit to drawdown_allocations")
    [line] = [line for line in logged if line["log_level"] == "error"]
    assert "permission denied for table reallocation_audit" in str(line["exc_info"])
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "correlation_id": "order-7",
        "error": "Internal error",
        "message": "the service made a mistake",
        "details": [],
        "type": "urn:drawdown:problem:internal_error",
        "title": "Internal error",
        "status": 500,
        "detail": "the service made a mistake",
        "code": "internal_error",
        "recommendation": "Try again later; if it stays, report the correlation_id to whoever runs this service.",
    }
    assert await planner.state() == before
    assert REGISTRY.get_sample_value("drawdown_reallocation_requests_total", failed) == count + 1
    await planner.commit(fund, fund.proposal(110))
