"""Promises to whoever sends anything at all: every route of every OpenAPI document, fuzzed through the front.

Schemathesis makes the requests from the committed documents: first each boundary of each value, then seeded random
ones, right and wrong by the schema. Most ids, dates and currencies are bent to real ones, so that requests get deep.
"""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.checks import CheckContext
from schemathesis.config import HealthCheck
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema

from drawdown.samples import Line, camt053
from shared.http import encode_cursor
from shared.ids import LARGEST
from shared.topics import AUDIT_RECORDED, PAYMENT_RECEIVED
from tests.support.desk import DUE, Desk
from tests.support.house import House

SEED: Final = 20260302
RANDOM_CASES: Final = 10  # of each operation, besides the boundaries
CORNERS: Final = 4
DOCUMENTS: Final = Path(__file__).parents[2] / "docs" / "openapi"
SERVICES: Final = ("allocations", "payments", "metrics", "audit")

# What a schema cannot say: a request that is right by its schema is refused as wrong for these reasons alone.
BEYOND_SCHEMA: Final = {
    "cursor_unreadable": "a cursor is opaque, and belongs to one list",
    "idempotency_key_reused": "whether a key came before with another body is history",
    "invalid_range": "one day is to follow another",
    "invalid_parts": "parts belong to one action, and sum to what is on hold",
    "invalid_schedule": "tranches are all percents or all amounts, and are dated in order",
    "invalid_amount": "how many decimals an amount may have depends on its fund's currency",
    "invalid_bank_file": "bytes are a bank statement or are not",
    "invalid_source": "some names are ours",
    "invalid_terms": "what the terms of a call may say depends on currencies, time zones and each other",
    "invalid_profile": "members of a profile go together, or rule each other out",
    "unknown_profile": "whether a profile was saved is history",
    "invalid_same_account": "which sources a fund has registered is history",
    "invalid_short_tolerance": "the most that is tolerated depends on the currency",
    "source_needed": "an account that nobody knows yet needs a name",
    "invalid_committed": "the most that is committed depends on the currency",
    "unknown_company": "which companies a fund has reserves for is history",
    "invalid_company": "likewise",
    "cap_exceeded": "a reserve is compared with a cap that stands beside it, or is stored",
    "invalid_total": "reserves are summed",
    "invalid_percent": "percents are to sum to 100",
    "invalid_run_at": "whether a time has passed is for the clock to say",
}
# The same where one value is wrong: how the message begins.
BEYOND_SCHEMA_VALUES: Final = (
    "must be an ISO 4217 code",
    "must be an IANA time zone",
    "must be between 1900-01-01",  # a day; formats have no bounds
    "Input should be greater than or equal to 1900-01-01",  # a moment, likewise
    "must not be blank",
    'must be a decimal string such as "400000.00", or a whole number',  # 17.0 is an integer to JSON Schema alone
    f"Input should be less than or equal to {LARGEST}",  # compared as floating point, a few more ids would fit
    *("company ", "fund "),  # … is there twice: no schema knows
)

# Checks of Schemathesis that our promises contradict.
EXCLUDED: Final = [
    checks.positive_data_acceptance,  # takes every 400 and 422 for a mistake: `refused_for_a_reason` is finer
]

# No test can obey these: their letters are of our own topics, and an unreadable record there is rightly an alarm.
WITHOUT_LETTERS: Final = re.compile(r".* /api/(allocations|metrics|audit)/dead-letters/\{letter_id\}.*")

_NUMBERS: Final = itertools.count(1)

AnyCase = schemathesis.Case[Any]
Known = Mapping[str, Sequence[object]]


# ---- what is sent


def statement(number: int, amount: int) -> bytes:
    line = Line(f"{amount}.00", date(2026, 3, 2), bank_reference=f"B-{number}")
    return camt053(f"S-{number}", "4000123456", "USD", "100.00", [line])


CURSORS: Final = st.one_of(
    st.builds(encode_cursor, st.integers(1, LARGEST)),
    st.builds(encode_cursor, st.dates(date(2020, 1, 1)), st.integers(1, LARGEST)),
    st.text("abcXYZ019-_", max_size=40),
)
STATEMENTS: Final = st.builds(statement, st.integers(2, 9), st.integers(1, 999))
FILES: Final = st.one_of(
    STATEMENTS,
    st.builds(lambda whole, kept: whole[:kept], STATEMENTS, st.integers(0, 3_000)),
    st.binary(max_size=60),
)
schemathesis.openapi.format("cursor", CURSORS)
schemathesis.openapi.media_type("application/xml", FILES)
schemathesis.openapi.media_type("application/octet-stream", FILES)


def plain(schema: Any) -> Any:
    """The schema without `prefixItems`, which Schemathesis 4.32 turns into what its own validator does not take."""
    if isinstance(schema, list):
        return [plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {name: plain(each) for name, each in schema.items() if name != "prefixItems"}
    return {**rest, "items": {"anyOf": plain(schema["prefixItems"])}} if "prefixItems" in schema else rest


def documents() -> dict[str, BaseSchema]:
    """What each service says that it does."""
    config = schemathesis.Config(seed=SEED, suppress_health_check=[HealthCheck.all])
    config.projects.default.generation.update(max_examples=RANDOM_CASES, no_shrink=True, database="none")
    texts = {service: (DOCUMENTS / f"{service}.json").read_text() for service in SERVICES}
    return {
        service: schemathesis.openapi.from_dict(plain(json.loads(text)), config=config)
        for service, text in texts.items()
    }


_RIGHT: Final = {
    "currency": re.compile(r"[A-Z]{3}"),
    "time_zone": re.compile(r".{1,64}"),
    "due_date": re.compile(r"\d{4}-\d\d-\d\d"),
    "first_due_date": re.compile(r"\d{4}-\d\d-\d\d"),
    "topic": re.compile(r"[a-z_.]+"),
    "short_tolerance": re.compile(r"[0-9.]+"),
    "name": re.compile(r"[!-?A-~]{1,100}"),
    "run_at": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"),
    "limit_percent": re.compile(r"100|\d{1,2}(\.\d{1,4})?"),
}
_HARDLY_EVER_RIGHT: Final = {"run_at"}  # most times have passed
_BOUNDS: Final = {"current_version": (0, 2**31 - 1)}  # of numbers that are no ids
# How a bank writes its CSV: no schema can say which members of it go together.
PROFILE: Final = {
    "dates": "%Y-%m-%d",
    "signs": {"rule": "signed"},
    "columns": {"booking_date": "day", "amount": "amount"},
    "currency": "USD",
    "account": "4000123456",
}


@dataclass(frozen=True, slots=True)
class Corner:
    """Entities that one operation may use up, by the names that their ids have in paths, queries and bodies."""

    known: Known
    strangers: bool = False  # whether the largest id stays as it is

    def bend(self, name: str, value: object, *, text: bool) -> object:
        """Something known in place of something invented that is right by the schema; ids may be `text`."""
        known = self.known.get(name)
        if not known:
            return value
        if isinstance(value, dict):
            return known[0] if len(str(value)) % 2 else value
        if isinstance(value, str) and name in _RIGHT:
            number = sum(value.encode())
            chosen = number % 2 or name in _HARDLY_EVER_RIGHT
            return known[number % len(known)] if chosen and _RIGHT[name].fullmatch(value) else value
        if text and isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,18}", value):
            value = int(value)
        least, most = _BOUNDS.get(name, (1, LARGEST))
        if type(value) is not int or not least <= value <= most or (value == LARGEST and self.strangers):
            return value
        return known[value % len(known)]

    def bend_all(self, value: Any, *, text: bool = False) -> Any:
        """The same for every member of a container, however deep."""
        if isinstance(value, list):
            return [self.bend_all(each, text=text) for each in value]
        if isinstance(value, dict):
            return {name: self.bend(name, self.bend_all(each, text=text), text=text) for name, each in value.items()}
        return value


class VersionNow(Sequence[object]):
    """The version of a fund's reserves at the moment when it is asked for: each commit makes another."""

    def __init__(self, desk: Desk, fund_id: int) -> None:
        self._desk, self._fund_id = desk, fund_id

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: Any) -> Any:
        return self._desk.get(f"/api/funds/{self._fund_id}/reallocation")["version"]


def bend(case: AnyCase, known: Known) -> None:
    """Makes the request about entities that are there, and most keys new, since old ones change nothing."""
    if case.path.startswith("/api/allocations"):
        known = {**known, "call_id": known["planned"]}
    corner = Corner(known, strangers=case.method == "GET")  # payments waits 3 s for each, to see if it comes yet
    case.path_parameters = corner.bend_all(case.path_parameters, text=True)
    case.query = corner.bend_all(case.query, text=True)
    if (body := corner.bend_all(case.body)) != case.body:
        case.body = body
    key, number = case.headers.get("Idempotency-Key"), next(_NUMBERS)
    if isinstance(key, str) and re.fullmatch("[!-~]{1,190}", key) and number % 4:
        case.headers["Idempotency-Key"] = f"{key}{number}"


# ---- a house with something in it


@pytest.fixture(scope="module")
def corners(desk: Desk) -> Mapping[str, Known]:
    """Some of everything, several times over, in turn for each operation: so neighbours do not use up each other's."""
    desk.house.publish_all([(PAYMENT_RECEIVED, None, b"{")] * (5 * CORNERS))
    upload = {"x-drawdown-upload": "1", "content-type": "application/xml"}
    query = {"source": "bank/meridian"}
    answer = desk.http.post("/api/bank-statements", content=statement(1, 50), headers=upload, params=query)
    assert answer.status_code == 201, answer.text
    desk.post("/api/bank-profiles", {"name": "acme", "definition": PROFILE}, expect=201)
    entities = [furnish(desk) for _ in range(CORNERS)]
    desk.house.settle()
    letters = [each["id"] for each in desk.get("/api/payments/dead-letters", {"limit": 200})["items"]]
    assert len(letters) == 5 * CORNERS
    (head,) = [each for each in desk.get("/api/audit/heads")["heads"] if each["topic"] == AUDIT_RECORDED]
    shared: Known = {
        "statement_id": [answer.json()["statements"][0]["id"]],
        "file_id": [answer.json()["id"]],
        "definition": [PROFILE],
        "name": ["acme"],
        "short_tolerance": ["0.50"],
        "currency": ["USD"],
        "time_zone": ["Asia/Tokyo"],
        "due_date": [DUE],
        "first_due_date": [DUE],
        "run_at": [f"{DUE}T12:00:00Z"],
        "limit_percent": ["80"],
        "topic": [head["topic"]],
        "partition": [head["partition"]],
        "sequence": range(1, head["sequence"] + 1),
    }
    corners = [{**shared, **each, "letter_id": letters[turn::CORNERS]} for turn, each in enumerate(entities)]
    return defaultdict(itertools.cycle(corners).__next__)


def furnish(desk: Desk) -> Known:
    """An allocation with calls of every stage, some paid in part, and payments, some of them on hold."""
    allocation = desk.allocation("1000.00")
    plan = f"/api/allocations/{allocation['id']}/calls"
    stages = ("after_approval", "on_notice_date", "now", "now", "now")
    terms = [{"amount": "50.00", "due_date": DUE, "issue": issue} for issue in stages for _ in range(2)]
    calls = [desk.post(plan, term)["id"] for term in terms]
    planned, issued = calls[:5], calls[4:]
    payments = [desk.pay({"id": call}, "20.00", "first")["payment"]["id"] for call in issued[:4]]
    wrong = [desk.post(f"/api/payments/{payment}/unapply", {"reason": "wrong call"}) for payment in payments[:2]]
    return {
        **reserve(desk, allocation["fund_id"], [allocation["deal_id"], desk.deal()["id"]]),
        "fund_id": [allocation["fund_id"]],
        "deal_id": [allocation["deal_id"], desk.deal()["id"], desk.deal()["id"]],
        "allocation_id": [allocation["id"]],
        "planned": planned,
        "call_id": issued,
        "payment_id": payments,
        "hold_id": [payment["hold_id"] for payment in wrong],
    }


def reserve(desk: Desk, fund_id: int, companies: Sequence[int]) -> Known:
    """Reserves of two companies, a template for them, and schedules that wait."""
    path = f"/api/funds/{fund_id}/reallocation"
    rows = [{"company_id": company, "planned_reserves_cents": 500_00} for company in companies]
    desk.put(f"/api/funds/{fund_id}/reserves", {"reserves": rows})
    shares = [{"company_id": company, "percent": "50"} for company in companies]
    desk.post(f"{path}/templates", {"name": "acme", "basis": "percent", "shares": shares})
    commit = {"fund_id": fund_id, "current_version": 1, "proposed_allocations": rows}
    later = {"commits": [commit], "run_at": f"{DUE}T12:00:00Z"}
    made = [desk.post("/api/reallocation/scheduled", later, expect=201)["id"] for _ in range(3)]
    return {
        "company_id": [*companies, desk.deal()["id"]],
        "current_version": VersionNow(desk, fund_id),
        "schedule_id": made,
    }


# ---- what is promised


def is_a_whole_problem(_: CheckContext, response: Response, _case: AnyCase) -> None:
    """Every error has the one shape of errors, and none is a 5xx."""
    if response.status_code < 400:
        return
    assert response.status_code < 500
    assert response.headers["content-type"] == ["application/problem+json"]
    problem = response.json()
    assert problem["status"] == response.status_code
    for member in ("type", "title", "detail", "code", "recommendation"):
        assert isinstance(problem[member], str), member
        assert problem[member], member
    if response.status_code == 422:
        assert problem.get("errors"), "a 422 names the values that are wrong"


def refused_for_a_reason(_: CheckContext, response: Response, case: AnyCase) -> None:
    """What is right by the schema is refused as wrong only for what a schema cannot say."""
    right = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if response.status_code not in {400, 413, 415, 422} or not right:
        return
    problem = response.json()
    messages = [error["msg"] for error in problem.get("errors", ())]
    beyond = problem["code"] in BEYOND_SCHEMA or (
        problem["code"] in {"invalid_value", "parameter_unreadable"}
        and all(msg.startswith(BEYOND_SCHEMA_VALUES) for msg in messages)
    )
    assert beyond, f"right by the schema, but {problem['code']}: {messages}"


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Keeps its connection to the front."""
    with requests.Session() as kept:
        kept.trust_env = False
        yield kept


@pytest.fixture(scope="module")
def statuses() -> dict[str, set[int]]:
    """What each operation has answered so far."""
    return defaultdict(set)


# The parameter gives each item a name of its own: without one, Schemathesis 4.32 and pytest 9.2 give all of them the
# test's name alone, and the processes of xdist, which go by names, would run one of them.
@schemathesis.pytest.parametrize(**documents())
@pytest.mark.parametrize("door", ["front"])
def test_every_route_keeps_its_promises(
    case: AnyCase,
    door: str,
    house: House,
    corners: Mapping[str, Known],
    session: requests.Session,
    statuses: dict[str, set[int]],
) -> None:
    """Never a 5xx; errors are problems; statuses, content types and bodies are as documented; what the schema forbids
    is refused, and what it allows is refused as wrong only for a reason that we can name."""
    label = case.operation.label
    bend(case, corners[label])
    response = case.call_and_validate(
        base_url=getattr(house.addresses, door),
        session=session,
        additional_checks=[is_a_whole_problem, refused_for_a_reason],
        excluded_checks=EXCLUDED,
    )
    statuses[label].add(response.status_code)


def test_every_route_was_also_obeyed(statuses: dict[str, set[int]]) -> None:
    """The fuzzer got past the door: each operation succeeded at least once."""
    refused = [label for label, seen in statuses.items() if not seen & {200, 201}]
    assert [label for label in refused if not WITHOUT_LETTERS.fullmatch(label)] == []


def test_the_books_still_balance(house: House) -> None:
    """Whatever was asked: once the house rests, every invariant holds."""
    house.settle()
    house.check()
