"""Promises of the printed proof: the API's own figures, every line, nothing executable, a word where there is none."""

from typing import Any

from tests.web.conftest import Front
from tests.web.test_pages import Text

PATH = "/api/bank-statements/3"
LINE: dict[str, Any] = {
    "line": 12,
    "mark": "credit",
    "amount": "400000.00",
    "payment_id": "B-1",
    "booking_date": "2026-03-02",
    "value_date": "2026-03-02",
    "remittance": "capital call 1 <b>",
    "reference": None,
    "remitter": {"name": "Acme LP", "account": "…2051"},
    "posted": True,
    "why_not": None,
    "became": {"payment_id": 9, "status": "applied", "hold_reason": None, "conflict": False},
}
STATEMENT: dict[str, Any] = {
    "id": 3,
    "statement_id": "S-1",
    "source": "bank/acme-usd-1",
    "account": "…3456",
    "currency": "USD",
    "first_day": "2026-03-02",
    "last_day": "2026-03-02",
    "sums": {"entries": 3},
    "problems": [{"where": "line 2", "what": "one page of several"}],
    "proof": {
        "opening": "100.00",
        "booked": "399966.50",
        "closing": "400066.50",
        "difference": "0.00",
        "places": [
            {"place": "applied", "entries": 1, "amount": "400000.00"},
            {"place": "not_ours", "entries": 1, "amount": "-33.50"},
        ],
        "unaccounted": "0.00",
        "complete": True,
        "chain": {"follows": "gap", "previous_id": 2, "missing": "7.00"},
    },
    "file": {
        "id": 5,
        "format": "camt.053.001.08",
        "sha256": "ab" * 32,
        "received_at": "2026-03-03T09:00:00Z",
        "uploaded_by": "local",
    },
}


async def shown(front: Front, *, status: int = 200) -> Text:
    answer = await front.http.get("/bank-statements/3")
    assert answer.status_code == status
    return Text(answer.text)


async def test_the_proof_stands_on_one_page(front: Front) -> None:
    """Balances, places, the chain, each line with what became of it, the digest of the file."""
    pending = LINE | {"mark": "debit", "posted": False, "why_not": "not_ours", "became": None, "remitter": None}
    held = LINE | {"payment_id": "B-2", "became": {"status": "held", "hold_reason": "no_match"}}
    front.services["payments"].answers[PATH] = STATEMENT
    front.services["payments"].answers[PATH + "/entries"] = {"items": [LINE, held, pending], "next": None}
    page = await shown(front)
    words = page.words
    assert "Complete: every entry is accounted for, to the cent." in words
    assert words[words.index("Opening balance") :][:8] == [
        *("Opening balance", "100.00", "Booked entries, credits less debits", "399,966.50"),
        *("Closing balance", "400,066.50", "Difference", "0.00"),
    ]
    assert words[words.index("not investors’ money") :][1:3] == ["1", "-33.50"]
    assert any("7.00 USD lie between them" in word for word in words)
    assert words[words.index("B-1") - 3 :][:7] == [
        *("12", "2026-03-02", "400,000.00", "B-1", "Acme LP", "capital call 1 <b>", "applied"),
    ]
    assert "held: no match" in words
    assert "−400,000.00" in words
    assert "not ours" in words
    assert "ab" * 32 in words
    assert all(address.startswith("/") for address in page.loads)
    assert "script" not in page.tags


async def test_there_is_a_word_for_no_statement(front: Front) -> None:
    """Unknown, or nobody to ask: said so, with where to go on."""
    front.services["payments"].answers[PATH] = {"code": "statement_not_found"}
    assert "There is no such bank statement" in (await shown(front, status=404)).words


async def test_only_numbers_are_statements(front: Front) -> None:
    """Anything else is no page."""
    assert (await front.http.get("/bank-statements/x")).status_code == 404
