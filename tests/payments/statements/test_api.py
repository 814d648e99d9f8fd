"""Promises of the upload: a file is taken whole and once, what is new in it goes out, and refusals leave nothing."""

import asyncio
import io
import json
import zipfile
from datetime import date
from typing import Any

import httpx
import pytest

from drawdown.samples import MERIDIAN_SOURCE, Line, MeridianCalls, camt053, meridian_statements
from services.payments.feeds import Limits
from services.payments.statements import store
from shared.contracts.base import decode
from shared.contracts.feeds import PaymentReceived
from shared.postgres import Connection
from shared.reference import reference_of
from tests.payments.feeds.documents import document, entry, statement
from tests.support.ledger import Ledger

UPLOAD = {"x-drawdown-upload": "1", "content-type": "application/xml"}
SOURCE = "bank/acme-usd-1"
DAY = date(2026, 3, 2)
TABLES = ("statement_source", "bank_file", "bank_file_piece", "statement", "statement_entry", "outbox")


def wires(*ids: str, statement_id: str = "S-1", account: str = "4000123456") -> bytes:
    lines = [Line("400000.00", DAY, bank_reference=id, reference=reference_of(17)) for id in ids]
    return camt053(statement_id, account, "USD", "100.00", lines)


async def upload(
    http: httpx.AsyncClient, data: bytes, source: str | None = SOURCE, *, status: int = 201, **params: str
) -> dict[str, Any]:
    asked = {**({} if source is None else {"source": source}), **params}
    answer = await http.post("/api/bank-statements", content=data, headers=UPLOAD, params=asked)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def sent(db: Connection) -> list[PaymentReceived]:
    rows = await db.fetch("select payload from outbox_event where topic = 'payment.received' order by id, number")
    return [decode(PaymentReceived, row["payload"]) for row in rows]


async def counts(db: Connection) -> dict[str, int]:
    return {table: await db.fetchval(f"select count(*) from {table}") for table in TABLES}


# ---- taking


async def test_a_statement_becomes_payments(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """Each booked credit is one `payment.received`, keyed by its call; the answer shows every entry and the proof."""
    lines = [
        Line("400000.00", DAY, bank_reference="B-1", reference=reference_of(17), remitter="Acme LP",
             remitter_account="DE02120300000000202051"),
        Line("1.50", DAY, bank_reference="B-2", remittance="thank you"),
        Line("35.00", DAY, mark="DBIT", bank_reference="B-3", note="FEES"),
        Line("7.00", DAY, status="PDNG", bank_reference="B-4"),
    ]  # fmt: skip
    answer = await upload(http, camt053("S-1", "4000123456", "USD", "100.00", lines))
    assert answer["format"] == "camt.053.001.08"
    assert answer["problems"] == []
    (shown,) = answer["statements"]
    assert {name: shown[name] for name in ("statement_id", "source", "account", "currency", "opening", "closing")} == {
        "statement_id": "S-1",
        "source": SOURCE,
        "account": "…3456",
        "currency": "USD",
        "opening": "100.00",
        "closing": "400066.50",
    }
    assert shown["proven"] is True
    assert shown["sums"] == {
        "entries": 4,
        "posted": 2,
        "not_posted": 2,
        "pending": 1,
        "credits": "400001.50",
        "debits": "35.00",
        "booked": "399966.50",
    }
    assert [(e["payment_id"], e["kind"], e["amount"], e["posted"], e["why_not"]) for e in shown["entries"]] == [
        ("B-1", "credit", "400000.00", True, None),
        ("B-2", "credit", "1.50", True, None),
        ("B-3", None, "35.00", False, "not_ours"),
        ("B-4", "credit", "7.00", False, "pending"),
    ]
    assert shown["entries"][0]["remitter"] == {"name": "Acme LP", "account": "…2051"}
    async with ledger.connect("payments") as db:
        first, second = await sent(db)
        keys = await db.fetch("select key from outbox_event where topic = 'payment.received' order by id, number")
    assert (first.source, first.payment_id, first.amount, first.currency, first.value_date, first.reference) == (
        SOURCE, "B-1", "400000.00", "USD", DAY, reference_of(17),
    )  # fmt: skip
    assert (second.payment_id, second.remittance) == ("B-2", "thank you")
    assert [row["key"] for row in keys] == [b"17", SOURCE.encode()]


async def test_an_account_is_cut_before_it_is_kept(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """The remitter's account stands in no table but the raw file: neither in the entries nor in what goes out."""
    iban = "DE02120300000000202051"
    line = Line("1.00", DAY, bank_reference="B-1", remitter_account=iban)
    answer = await upload(http, camt053("S-1", "4000123456", "USD", "0.00", [line]))
    assert iban not in json.dumps(answer)
    async with ledger.connect("payments") as db:
        kept = await db.fetch("select remitter_account from statement_entry")
        payloads = b"".join(row["payload"] for row in await db.fetch("select payload from outbox_event"))
        raw = b"".join([piece async for piece in store.pieces(db, answer["id"])])
    assert iban.encode() not in payloads
    assert [row["remitter_account"].rpartition("/")[2] for row in kept] == ["2051"]
    assert len(kept[0]["remitter_account"]) == 64 + 5
    assert iban.encode() in raw  # the evidence, as it came


async def test_the_same_file_again_changes_nothing(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """The same bytes get the same answer, with and without the source, and nothing is doubled."""
    first = await upload(http, wires("B-1", "B-2"))
    async with ledger.connect("payments") as db:
        before = await counts(db)
        assert await upload(http, wires("B-1", "B-2")) == first
        assert await upload(http, wires("B-1", "B-2"), None) == first
        assert {**await counts(db), "outbox": 0} == {**before, "outbox": 0}
        assert [one.payment_id for one in await sent(db)] == ["B-1", "B-2"]


async def test_ten_twins_at_once_are_one(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """Uploads of the same file side by side wait for each other: one takes it, all answer the same."""
    answers = await asyncio.gather(*(upload(http, wires("B-1", "B-2")) for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    async with ledger.connect("payments") as db:
        assert len(await sent(db)) == 2
        assert await db.fetchval("select count(*) from bank_file") == 1


async def test_overlapping_statements_send_each_entry_once(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """What a later statement shows again is kept with it and not sent again, also when both come at once."""
    await upload(http, wires("B-1", "B-2"))
    await asyncio.gather(
        upload(http, wires("B-2", "B-3", statement_id="S-2"), None),
        upload(http, wires("B-1", "B-2", "B-3", statement_id="S-3"), None),
    )
    async with ledger.connect("payments") as db:
        assert sorted(one.payment_id for one in await sent(db)) == ["B-1", "B-2", "B-3"]
        assert await db.fetchval("select count(*) from statement_entry") == 7


async def test_overlapping_statements_in_one_file_send_each_entry_once(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """Also where the overlap is inside one file, and where the bank gives no references."""
    nameless = [entry("5.00", bank_reference=None), entry("5.00", bank_reference=None)]
    await upload(http, document(statement(*nameless), statement(*nameless, entry("6.00"), id="S2")))
    async with ledger.connect("payments") as db:
        assert [one.amount for one in await sent(db)] == ["5.00", "5.00", "6.00"]


async def test_the_same_reference_with_another_content_is_sent(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """Whether that is an error of the bank is not decided here: payments holds it as an identity conflict."""
    await upload(http, wires("B-1"))
    changed = camt053("S-2", "4000123456", "USD", "0.00", [Line("9.00", DAY, bank_reference="B-1")])
    await upload(http, changed)
    await upload(http, changed.replace(b"S-2", b"S-3"))
    async with ledger.connect("payments") as db:
        assert [(one.payment_id, one.amount) for one in await sent(db)] == [("B-1", "400000.00"), ("B-1", "9.00")]


async def test_a_reversal_finds_its_original_in_an_earlier_file(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """By the end-to-end id; it goes out under the key of the original, and is said the same when shown again."""
    paid = Line("10.00", DAY, bank_reference="B-1", end_to_end_id="E-1", reference=reference_of(17))
    back = Line("10.00", DAY, mark="DBIT", reversal=True, bank_reference="B-9", end_to_end_id="E-1")
    other = Line("10.00", DAY, bank_reference="B-5", end_to_end_id="E-1")
    days = (("S-1", [paid]), ("S-2", [back]), ("S-3", [other]), ("S-4", [paid, back, other]))
    answers = [await upload(http, camt053(name, "4000123456", "USD", "0.00", lines)) for name, lines in days]
    assert [e["reverses"] for e in answers[-1]["statements"][0]["entries"]] == [None, "B-1", None]
    async with ledger.connect("payments") as db:
        events = await sent(db)
        keys = [
            r["key"]
            for r in await db.fetch("select key from outbox_event where topic = 'payment.received' order by id, number")
        ]
    assert [(one.payment_id, one.kind, one.reverses) for one in events] == [
        ("B-1", "credit", None),
        ("B-9", "reversal", "B-1"),
        ("B-5", "credit", None),
    ]
    assert keys == [b"17", b"17", SOURCE.encode()]


async def test_the_demo_statements(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """Two overlapping days of the demo: eight credits and one reversal, each once; both statements proven."""
    calls = MeridianCalls(*(reference_of(number) for number in (1, 2, 4, 5, 6, 7)))
    for data in meridian_statements(calls, DAY).values():
        answer = await upload(http, data, MERIDIAN_SOURCE)
        assert answer["statements"][0]["proven"] is True
    async with ledger.connect("payments") as db:
        events = await sent(db)
    assert [one.payment_id for one in events] == [f"MGF-{n:04}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 11)]
    assert (events[-1].kind, events[-1].reverses) == ("reversal", "MGF-0006")


async def test_a_form_is_taken_like_a_bare_body(http: httpx.AsyncClient) -> None:
    """A browser sends a form: the part `file`, and source beside it."""
    bare = await upload(http, wires("B-1"))
    files = {"file": ("statement.xml", wires("B-1"), "text/xml")}
    header = {"x-drawdown-upload": "1"}
    form = await http.post("/api/bank-statements", files=files, data={"source": SOURCE}, headers=header)
    assert (form.status_code, form.json()) == (201, bare)
    empty = await http.post("/api/bank-statements", files={"other": (None, b"x")}, headers=header)
    assert (empty.status_code, empty.json()["code"]) == (400, "body_unreadable")
    broken = await http.post(
        "/api/bank-statements", content=b"--x", headers={**header, "content-type": "multipart/form-data"}
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "body_unreadable")


# ---- looking


async def test_a_dry_run_keeps_nothing(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """It answers what would be taken, without ids, and refuses what would be refused."""
    looked = await upload(http, wires("B-1"), dry_run="true", status=200)
    async with ledger.connect("payments") as db:
        assert await counts(db) == dict.fromkeys(TABLES, 0)
    taken = await upload(http, wires("B-1"))
    taken["id"] = taken["statements"][0]["id"] = None
    assert looked == taken
    await upload(http, b"<nonsense/>", dry_run="true", status=422)


async def test_a_statement_can_be_looked_up(http: httpx.AsyncClient) -> None:
    """As it was answered on upload."""
    (shown,) = (await upload(http, wires("B-1", "B-2")))["statements"]
    found = await http.get(f"/api/bank-statements/{shown['id']}")
    assert found.status_code == 200
    assert {name: found.json()[name] for name in shown} == shown
    missing = await http.get("/api/bank-statements/999")
    assert (missing.status_code, missing.json()["code"]) == (404, "statement_not_found")


# ---- whose account


async def test_an_account_has_one_source_for_ever(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """Identities hang on the source, so a second name for an account, or a second account for a name, is refused."""
    assert (await upload(http, wires("B-1"), None, status=422))["code"] == "source_needed"
    await upload(http, wires("B-1"))
    await upload(http, wires("B-2", statement_id="S-2"), None)
    other_name = await upload(http, wires("B-3", statement_id="S-3"), "bank/other", status=409)
    assert other_name["code"] == "source_conflict"
    assert SOURCE in other_name["recommendation"]
    other_account = await upload(http, wires("B-3", account="555000777"), status=409)
    assert other_account["code"] == "source_taken"
    async with ledger.connect("payments") as db:
        assert [one.payment_id for one in await sent(db)] == ["B-1", "B-2"]


async def test_two_new_accounts_in_one_file_need_two_names(http: httpx.AsyncClient) -> None:
    """One name cannot stand for two accounts; once one is known, the name is the other's."""
    account = "<Acct><Id><Othr><Id>{}</Id></Othr></Id><Ccy>USD</Ccy></Acct>"
    one, two = (statement(entry(), account=account.format(number), id=number) for number in ("11112222", "33334444"))
    assert (await upload(http, document(one, two), status=409))["code"] == "source_ambiguous"
    await upload(http, document(one), "bank/one")
    both = await upload(http, document(one, two), "bank/two")
    assert [s["source"] for s in both["statements"]] == ["bank/one", "bank/two"]


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("manual/17", 422, "invalid_source"),
        ("edited/9", 422, "invalid_source"),
        ("two words", 400, "parameter_unreadable"),
        ("x" * 101, 400, "parameter_unreadable"),
    ],
)
async def test_names_that_are_no_source(http: httpx.AsyncClient, source: str, status: int, code: str) -> None:
    """Names of our own, and names that are none."""
    assert (await upload(http, wires("B-1"), source, status=status))["code"] == code


# ---- refusing


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"%PDF-1.7", "no bank statement that is known here"),
        (document(statement(entry("100.005"))), "more than the 2 decimals"),
        (document(statement(entry()), before="<!DOCTYPE Document>\n"), "a DOCTYPE is never taken"),
        (document(), "no statement"),
    ],
)
async def test_a_bad_file_leaves_nothing(http: httpx.AsyncClient, ledger: Ledger, data: bytes, said: str) -> None:
    """Neither file nor entry nor event: only the audit knows that somebody tried."""
    answer = await upload(http, data, status=422)
    assert answer["code"] == "invalid_bank_file"
    assert said in answer["problems"][0]["what"]
    assert answer["problems"][0]["where"].startswith("line ")
    async with ledger.connect("payments") as db:
        assert await counts(db) == {**dict.fromkeys(TABLES, 0), "outbox": 1}
        audited = json.loads(await db.fetchval("select payload from outbox_event"))
    assert (audited["action"], audited["outcome"]) == ("bank_statement.upload", "refused")


async def test_an_upload_needs_its_header_and_a_limit_holds(http: httpx.AsyncClient) -> None:
    """Another site's page cannot send a file, and nobody can send one beyond the limit."""
    bare = await http.post("/api/bank-statements", content=wires("B-1"), headers={"content-type": "text/plain"})
    assert (bare.status_code, bare.json()["code"]) == (415, "upload_header_missing")
    assert (await upload(http, b" " * (256 * 1024 + 1), status=413))["code"] == "too_large"
    assert Limits().size_bytes == 128 * 1024 * 1024


async def test_a_repeated_key_is_answered_from_store(http: httpx.AsyncClient) -> None:
    """Idempotency-Key works for uploads: same file and source again, the stored answer; another file, 422."""
    headers = {**UPLOAD, "Idempotency-Key": "k-1"}
    params = {"source": SOURCE}
    first = await http.post("/api/bank-statements", content=wires("B-1"), headers=headers, params=params)
    again = await http.post("/api/bank-statements", content=wires("B-1"), headers=headers, params=params)
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())
    other = await http.post("/api/bank-statements", content=wires("B-2"), headers=headers, params=params)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


# ---- formats


ACME_CSV = {
    "dates": "%Y-%m-%d",
    "signs": {"rule": "signed"},
    "columns": {"booking_date": "day", "amount": "amount", "remittance": ["text"], "bank_reference": "ref"},
    "currency": "USD",
    "account": "4000123456",
}


async def test_csv_is_read_by_a_saved_profile(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """It says nothing of itself: without a profile it is refused, with one it is a statement like any other's."""
    data = b"day,amount,text,ref\n2026-03-02,5.00,wire,C-1\n2026-03-02,-1.00,fees,C-2\n"
    refused = await upload(http, data, status=422)
    assert "saved profile" in refused["problems"][0]["what"]
    assert (await upload(http, data, profile="acme", status=422))["code"] == "unknown_profile"
    body = {"name": "acme", "definition": ACME_CSV}
    saved = await http.post("/api/bank-profiles", json=body)
    assert saved.status_code == 201, saved.text
    for profile in ("acme", "acme@1"):
        answer = await upload(http, data, profile=profile)
        assert "acme" in answer["format"]
        assert [(e["payment_id"], e["posted"]) for e in answer["statements"][0]["entries"]] == [
            ("C-1", True),
            ("C-2", False),
        ]
    assert (await upload(http, data, profile="acme@2", status=422))["code"] == "unknown_profile"
    async with ledger.connect("payments") as db:
        assert [one.payment_id for one in await sent(db)] == ["C-1"]


async def test_one_entry_is_one_payment_in_every_format(http: httpx.AsyncClient, ledger: Ledger) -> None:
    """The bank's reference is the identity: a wire in MT940, zipped or not, is the wire that camt has shown."""
    await upload(http, camt053("S-1", "4000123456", "USD", "0.00", [Line("5.00", DAY, bank_reference="B-1")]))
    mt940 = (
        b":20:S2\r\n:25:4000123456\r\n:28C:2/1\r\n:60F:C260302USD0,00\r\n:61:2603020302C5,00NTRFNONREF//B-1\r\n"
        b":61:2603020302C6,00NTRFNONREF//B-2\r\n:86:wire\r\n:62F:C260302USD11,00\r\n-\r\n"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("statement.sta", mt940)
    for data in (mt940, packed.getvalue()):
        answer = await upload(http, data, None)
        assert answer["statements"][0]["proven"] is True
    async with ledger.connect("payments") as db:
        assert [one.payment_id for one in await sent(db)] == ["B-1", "B-2"]
