"""Promises of a statement's proof: each booked entry's money is somewhere, to the cent; each line can be followed."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from drawdown.samples import Line, camt053
from services.payments.consumer import Consumer
from services.payments.store import Numbers
from shared.postgres import Connection
from shared.reference import reference_of
from tests.payments.statements.test_api import upload
from tests.payments.test_consumer import FUND, TERMS, Json, payments, record
from tests.support.ledger import Ledger

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (2, 3, 4))
SOURCE = "bank/acme-usd-1"


class Books:
    """The payments service's consumer, without its broker: it books what the uploads have sent on."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._consumer = Consumer(Numbers(), b"secret")
        self._seen = 0

    async def know(self, *call_ids: int) -> None:
        """Issued calls of 400,000.00 each."""
        terms: list[Json] = [TERMS | {"call_id": id, "seq_no": id, "reference": reference_of(id)} for id in call_ids]
        batch = [record("fund.changed", FUND), *(record("call.terms_changed", one) for one in terms)]
        async with self._db.transaction():
            await self._consumer.apply(self._db, batch, NOW)

    async def book(self) -> None:
        """Every `payment.received` that was sent on since."""
        rows = await self._db.fetch(
            "select payload from outbox_event where topic = 'payment.received' order by id, number offset $1",
            self._seen,
        )
        self._seen += len(rows)
        async with self._db.transaction():
            await self._consumer.apply(self._db, payments(*(row["payload"] for row in rows)), NOW)


@pytest.fixture
async def books(ledger: Ledger) -> AsyncIterator[Books]:
    async with ledger.connect("payments") as db:
        yield Books(db)


async def proof_of(http: httpx.AsyncClient, answer: dict[str, Any]) -> dict[str, Any]:
    shown = await http.get(f"/api/bank-statements/{answer['statements'][0]['id']}")
    assert shown.status_code == 200, shown.text
    found: dict[str, Any] = shown.json()
    return found


def places(proof: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {one["place"]: (one["entries"], one["amount"]) for one in proof["places"] if one["entries"]}


async def test_every_entry_is_accounted_for(http: httpx.AsyncClient, books: Books) -> None:
    """Applied, held, not ours, on the way and taken back sum to what the bank booked, at every moment."""
    await books.know(1, 2)
    lines = [
        Line("400000.00", MONDAY, bank_reference="B-1", reference=reference_of(1), end_to_end_id="E-1"),
        Line("7.00", MONDAY, bank_reference="B-2", remittance="nobody knows"),
        Line("35.00", MONDAY, mark="DBIT", bank_reference="B-3", note="FEES"),
        Line("9.00", MONDAY, status="PDNG", bank_reference="B-4"),
        Line("11.00", MONDAY, reversal=True, bank_reference="B-5"),
    ]
    answer = await upload(http, camt053("S-1", "4000123456", "USD", "100.00", lines))
    before = (await proof_of(http, answer))["proof"]
    assert places(before) == {"not_ours": (2, "-24.00"), "on_the_way": (2, "400007.00")}
    assert (before["difference"], before["unaccounted"], before["complete"]) == ("0.00", "0.00", False)

    await books.book()
    shown = await proof_of(http, answer)
    proof = shown["proof"]
    assert places(proof) == {"applied": (1, "400000.00"), "held": (1, "7.00"), "not_ours": (2, "-24.00")}
    assert (proof["difference"], proof["unaccounted"], proof["complete"]) == ("0.00", "0.00", True)
    became = [
        (e["payment_id"], e["became"] and (e["became"]["status"], e["became"]["hold_reason"])) for e in shown["entries"]
    ]
    assert became == [
        ("B-1", ("applied", None)),
        ("B-2", ("held", "no_match")),
        ("B-3", None),
        ("B-4", None),
        ("B-5", None),
    ]

    back = [Line("400000.00", TUESDAY, mark="DBIT", reversal=True, bank_reference="B-9", end_to_end_id="E-1")]
    next_day = await upload(http, camt053("S-2", "4000123456", "USD", "400083.00", back))
    await books.book()
    assert places((await proof_of(http, answer))["proof"]) == {
        "taken_back": (1, "400000.00"),
        "held": (1, "7.00"),
        "not_ours": (2, "-24.00"),
    }
    reversal = (await proof_of(http, next_day))["proof"]
    assert places(reversal) == {"reversals": (1, "-400000.00")}
    assert reversal["complete"] is True


async def test_a_changed_entry_is_a_conflict_and_still_accounted_for(http: httpx.AsyncClient, books: Books) -> None:
    """An identity with another amount is not booked: its money is on hold, and its line says so."""
    await upload(http, camt053("S-1", "4000123456", "USD", "0.00", [Line("5.00", MONDAY, bank_reference="B-1")]))
    await books.book()
    changed = await upload(
        http, camt053("S-2", "4000123456", "USD", "5.00", [Line("6.00", TUESDAY, bank_reference="B-1")])
    )
    await books.book()
    shown = await proof_of(http, changed)
    assert places(shown["proof"]) == {"held": (1, "6.00")}
    assert shown["proof"]["complete"] is True
    assert shown["entries"][0]["became"]["conflict"] is True
    assert shown["entries"][0]["became"]["hold_reason"] == "identity_conflict"


async def test_a_statement_that_does_not_add_up_is_not_complete(http: httpx.AsyncClient, books: Books) -> None:
    """The cent that is missing is named, and nothing hides it."""
    data = camt053("S-1", "4000123456", "USD", "0.00", [Line("5.00", MONDAY, bank_reference="B-1")])
    before, closing, after = data.partition(b"<Cd>CLBD</Cd>")
    answer = await upload(http, before + closing + after.replace(b">5.00</Amt>", b">5.01</Amt>", 1))
    await books.book()
    proof = (await proof_of(http, answer))["proof"]
    assert (proof["difference"], proof["unaccounted"], proof["complete"]) == ("0.01", "0.00", False)


async def test_the_chain_shows_a_missing_day(http: httpx.AsyncClient) -> None:
    """Yesterday's closing is today's opening; where it is not, the account names both statements and the amount."""
    monday = await upload(
        http, camt053("S-1", "4000123456", "USD", "0.00", [Line("5.00", MONDAY, bank_reference="B-1")])
    )
    wednesday = await upload(
        http, camt053("S-3", "4000123456", "USD", "12.00", [Line("1.00", WEDNESDAY, bank_reference="B-3")])
    )
    ids = [answer["statements"][0]["id"] for answer in (monday, wednesday)]
    assert (await proof_of(http, wednesday))["proof"]["chain"] == {
        "follows": "gap",
        "previous_id": ids[0],
        "missing": "7.00",
    }
    (account,) = (await http.get("/api/bank-accounts")).json()["items"]
    assert account["gaps"] == [
        {"statement_id": ids[1], "previous_id": ids[0], "first_day": WEDNESDAY.isoformat(), "missing": "7.00"}
    ]
    await upload(http, camt053("S-2", "4000123456", "USD", "5.00", [Line("7.00", TUESDAY, bank_reference="B-2")]))
    (account,) = (await http.get("/api/bank-accounts")).json()["items"]
    assert (account["source"], account["statements"], account["balance"], account["gaps"]) == (SOURCE, 3, "13.00", [])


async def test_the_evidence_is_the_file_as_it_came(http: httpx.AsyncClient) -> None:
    """Byte for byte, with its digest; also where it is larger than one piece."""
    lines = [Line("1.00", MONDAY, bank_reference=f"B-{n}", remittance="x" * 100) for n in range(300)]
    data = camt053("S-1", "4000123456", "USD", "0.00", lines)
    answer = await upload(http, data)
    content = await http.get(f"/api/bank-files/{answer['id']}/content")
    assert content.content == data
    assert content.headers["x-content-sha256"] == answer["sha256"]
    assert (await http.get("/api/bank-files/999/content")).status_code == 404


async def test_entries_come_in_pages(http: httpx.AsyncClient) -> None:
    """All of them, each once, in the bank's order, however many there are."""
    lines = [Line("1.00", MONDAY, bank_reference=f"B-{n}") for n in range(450)]
    answer = await upload(http, camt053("S-1", "4000123456", "USD", "0.00", lines))
    url = f"/api/bank-statements/{answer['statements'][0]['id']}/entries"
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = (await http.get(url, params={"limit": 200} | ({"cursor": cursor} if cursor else {}))).json()
        found += [one["payment_id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [f"B-{n}" for n in range(450)]
    shown = await proof_of(http, answer)
    assert (len(shown["entries"]), shown["entries_left_out"]) == (200, 250)
    assert (await http.get("/api/bank-statements/999/entries")).status_code == 404


async def test_statements_are_listed_newest_first(http: httpx.AsyncClient) -> None:
    """By account where one is named."""
    for n in range(3):
        line = Line("1.00", MONDAY, bank_reference=f"B-{n}")
        await upload(http, camt053(f"S-{n}", "4000123456", "USD", "0.00", [line]))
    page = (await http.get("/api/bank-statements", params={"limit": 2})).json()
    assert [one["statement_id"] for one in page["items"]] == ["S-2", "S-1"]
    rest = (await http.get("/api/bank-statements", params={"limit": 2, "cursor": page["next"]})).json()
    assert ([one["statement_id"] for one in rest["items"]], rest["next"]) == (["S-0"], None)
    assert (await http.get("/api/bank-statements", params={"source": "bank/none"})).json()["items"] == []
