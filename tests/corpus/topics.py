"""T. Events on our own topics that no service of ours has written: readers set them aside, and nothing changes.

Each case is a good snapshot of an entity that nobody made, with one thing spoilt. Right behind it, under the same key,
comes the same snapshot unspoilt, of another entity: metrics, which keeps whatever it can read, shows that it came by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared import topics
from tests.corpus.cases import Dead, Raw, dead

STRANGER: Final = 9_000_000_000  # where the ids begin of what nobody made

_FUND: Final = {"id": 1, "name": "Nobody's", "currency": "USD", "time_zone": "UTC", "size": "1000.00", "version": 1}
_DEAL: Final = {"id": 1, "name": "Nobody's", "stage": "committed", "version": 1}
_TERMS: Final = {
    "call_id": 1, "allocation_id": STRANGER, "fund_id": STRANGER, "deal_id": STRANGER, "seq_no": 1, "reference": "",
    "currency": "USD", "amount": "1000.00", "due_date": "2031-03-17", "notice_date": None, "issued_on": None,
    "priority": "normal", "time_zone": "UTC", "grace_days": 0, "cure_days": 10, "stage": "scheduled",
    "previous_stage": None, "terms_version": 1, "occurred_at": "2026-03-02T09:31:00Z",
}  # fmt: skip
_CALL: Final = {
    "call_id": 1, "allocation_id": STRANGER, "fund_id": STRANGER, "deal_id": STRANGER, "seq_no": 1, "reference": "",
    "currency": "USD", "original_amount": "1000.00", "released": "0.00", "amount": "1000.00", "paid": "0.00",
    "outstanding": "1000.00", "due_date": "2031-03-17", "last_paid_on": None, "status": "called",
    "previous_status": None, "postings": 0, "version": 1, "occurred_at": "2026-03-02T09:31:00Z", "applied": [],
}  # fmt: skip
_ALLOCATION: Final = {
    "allocation_id": 1, "fund_id": STRANGER, "deal_id": STRANGER, "currency": "USD", "committed": "1000.00",
    "planned": "0.00", "called": "0.00", "funded": "0.00", "uncalled": "1000.00", "outstanding": "0.00",
    "status": "committed", "previous_status": None, "funding_status": "committed", "cause": "ALLOCATE", "version": 1,
    "occurred_at": "2026-03-02T09:31:00Z",
}  # fmt: skip
_HELD: Final = {
    "hold_id": 1, "source": "bank/nobody", "payment_id": "1", "kind": "credit", "amount": "1.00", "currency": "USD",
    "value_date": "2026-03-02", "fund_id": None, "call_id": None, "reason": "no_match", "state": "open",
    "resolution": None, "version": 1, "occurred_at": "2026-03-02T09:31:00Z",
}  # fmt: skip
_CHANGE: Final = {"company_id": 1, "before": "0.00", "after": "1.00"}
_RESERVES: Final = {
    "fund_id": 1, "kind": "set_up", "audit_id": "nobody's", "currency": "USD", "baseline_version": 0, "version": 1,
    "total_before": "0.00", "total_after": "1.00", "companies": 1, "changes": [_CHANGE], "reason": None,
    "user_id": None, "occurred_at": "2026-03-02T09:31:00Z",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshots:
    """One of our topics: who reads it, a good snapshot, the member that names its entity, and metrics' table of it."""

    topic: str
    readers: tuple[str, ...]
    good: Mapping[str, Any]
    names: str
    table: str


FUNDS: Final = Snapshots(topics.FUND_CHANGED, ("payments", "metrics"), _FUND, "id", "fund")
DEALS: Final = Snapshots(topics.DEAL_CHANGED, ("metrics",), _DEAL, "id", "deal")
TERMS: Final = Snapshots(topics.CALL_TERMS_CHANGED, ("payments", "metrics"), _TERMS, "call_id", "call")
CALLS: Final = Snapshots(topics.CALL_STATUS_CHANGED, ("allocations", "metrics"), _CALL, "call_id", "call")
ALLOCATIONS: Final = Snapshots(
    topics.ALLOCATION_STATUS_CHANGED, ("metrics",), _ALLOCATION, "allocation_id", "allocation"
)
HOLDS: Final = Snapshots(topics.PAYMENT_HELD, ("metrics",), _HELD, "hold_id", "hold")
RESERVES: Final = Snapshots(topics.RESERVE_REALLOCATED, ("metrics",), _RESERVES, "fund_id", "fund_reserves")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A spoilt snapshot. Every reader of its topic says the same, but where `otherwise` knows better."""

    id: str
    of: Snapshots
    verdict: Dead
    changes: Mapping[str, Any] = field(default_factory=dict)
    without: str = ""
    raw: bytes | None = None
    otherwise: Mapping[str, Dead] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.of.topic}-{self.id}"

    def verdict_of(self, reader: str) -> Dead:
        return self.otherwise.get(reader, self.verdict)


def _spoilt(of: Snapshots, id: str, verdict: Dead, /, **changes: Any) -> Foreign:
    return Foreign(id, of, verdict, changes)


def _in_every(of: Snapshots, last: str) -> list[Foreign]:
    """What can be wrong with any snapshot; `last` is its version."""
    version = dead("bad_value", last, "an integer from 1")
    return [
        Foreign("empty", of, dead("bad_json"), raw=b""),
        Foreign("no-json", of, dead("bad_json"), raw=b"\x00\x00\x00\x00\x01\x02"),
        Foreign("array", of, dead("bad_json"), raw=b"[]"),
        Foreign("empty-object", of, dead("missing_field", "more"), raw=b"{}"),
        Foreign("too-large", of, dead("too_large"), raw=b'{"a": "' + b"x" * 600_000 + b'"}'),
        Foreign("without-its-id", of, dead("missing_field", of.names), without=of.names),
        Foreign("without-its-version", of, dead("missing_field", last), without=last),
        _spoilt(of, "id-of-text", dead("bad_id", of.names, "integer"), **{of.names: "17"}),
        _spoilt(of, "id-zero", dead("bad_id", of.names, "integer"), **{of.names: 0}),
        _spoilt(of, "version-zero", version, **{last: 0}),
        _spoilt(of, "version-beyond-64-bits", version, **{last: 2**63}),
        _spoilt(of, "version-of-text", version, **{last: "1"}),
    ]


def _wrong_kinds(of: Snapshots, closed: str, time: str = "") -> list[Foreign]:
    found = [_spoilt(of, f"unknown-{closed}", dead("bad_value", closed), **{closed: "gone"})]
    if time:
        found.append(_spoilt(of, "time-without-zone", dead("bad_time", time), **{time: "2026-03-02T09:31:00"}))
    return found


_TOO_FINE: Final = dead("bad_amount", "decimals")
_UNLISTED: Final = dead("bad_currency", "ISO 4217")
_IMPOSSIBLE: Final = dead("impossible_report", "call")

CASES: Final = [
    *_in_every(FUNDS, "version"),
    _spoilt(FUNDS, "currency-nobody-lists", _UNLISTED, currency="QQQ"),
    _spoilt(FUNDS, "currency-in-small-letters", dead("bad_currency", "currency"), currency="usd"),
    _spoilt(FUNDS, "size-with-underscore", dead("bad_amount", "size"), size="1_000"),
    _spoilt(FUNDS, "size-of-a-number", dead("bad_amount", "size"), size=Raw("1000.00")),
    _spoilt(FUNDS, "zone-on-mars", dead("bad_time_zone", "Mars/Olympus", "IANA"), time_zone="Mars/Olympus"),
    _spoilt(FUNDS, "zone-in-a-file", dead("bad_time_zone", "IANA"), time_zone="../../../etc/passwd"),
    _spoilt(FUNDS, "name-with-nul", dead("bad_text", "name"), name="a\u0000b"),
    _spoilt(FUNDS, "name-too-long", dead("too_long", "name", "200"), name="x" * 201),
    *_in_every(DEALS, "version"),
    *_wrong_kinds(DEALS, "stage"),
    _spoilt(DEALS, "name-empty", dead("bad_text", "name"), name=""),
    *_in_every(TERMS, "terms_version"),
    *_wrong_kinds(TERMS, "stage", "occurred_at"),
    _spoilt(TERMS, "amount-too-fine", _TOO_FINE, amount="1000.001"),
    _spoilt(TERMS, "amount-with-comma", dead("bad_amount", "amount"), amount="1,000.00"),
    _spoilt(TERMS, "currency-nobody-lists", _UNLISTED, currency="QQQ"),
    _spoilt(TERMS, "due-on-a-day-that-is-none", dead("bad_date", "due_date"), due_date="2031-02-30"),
    _spoilt(TERMS, "due-at-a-time", dead("bad_date", "due_date"), due_date="2031-03-17T00:00:00Z"),
    _spoilt(TERMS, "negative-grace", dead("bad_value", "grace_days"), grace_days=-1),
    *_in_every(CALLS, "version"),
    *_wrong_kinds(CALLS, "status", "occurred_at"),
    _spoilt(CALLS, "paid-with-sign", dead("bad_amount", "paid"), paid="-1.00"),
    _spoilt(CALLS, "negative-postings", dead("bad_value", "postings"), postings=-1),
    Foreign("paid-too-fine", CALLS, _TOO_FINE, {"paid": "0.001"}, otherwise={"allocations": _IMPOSSIBLE}),
    Foreign(
        "currency-nobody-lists",
        CALLS,
        _UNLISTED,
        {"currency": "QQQ"},
        otherwise={"allocations": _IMPOSSIBLE},
    ),
    *_in_every(ALLOCATIONS, "version"),
    *_wrong_kinds(ALLOCATIONS, "status", "occurred_at"),
    _spoilt(ALLOCATIONS, "committed-too-fine", _TOO_FINE, committed="1000.001"),
    _spoilt(ALLOCATIONS, "yen-with-cents", _TOO_FINE, currency="JPY"),
    _spoilt(ALLOCATIONS, "unknown-cause", dead("bad_value", "cause"), cause="MAGIC"),
    *_in_every(HOLDS, "version"),
    *_wrong_kinds(HOLDS, "reason", "occurred_at"),
    _spoilt(HOLDS, "unknown-state", dead("bad_value", "state"), state="ajar"),
    _spoilt(HOLDS, "currency-nobody-lists", _UNLISTED, currency="QQQ"),
    *(case for case in _in_every(RESERVES, "version") if case.id != "too-large"),  # a broker of ours takes none
    *_wrong_kinds(RESERVES, "kind", "occurred_at"),
    _spoilt(RESERVES, "total-too-fine", _TOO_FINE, total_after="1.001"),
    _spoilt(RESERVES, "change-too-fine", _TOO_FINE, changes=[_CHANGE, {**_CHANGE, "before": "0.001"}]),
    _spoilt(RESERVES, "change-of-a-number", dead("bad_amount", "changes.0.after"), changes=[{**_CHANGE, "after": 1}]),
    _spoilt(RESERVES, "change-of-nobody", dead("missing_field", "changes.0.company_id"), changes=[{"after": "1.00"}]),
    _spoilt(RESERVES, "changes-of-text", dead("bad_value", "changes"), changes="all"),
    _spoilt(RESERVES, "negative-companies", dead("bad_value", "companies"), companies=-1),
    _spoilt(RESERVES, "yen-with-cents", _TOO_FINE, currency="JPY"),
]
