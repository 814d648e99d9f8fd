"""What a dry run has to remember: nothing of it is kept by the services, so each chunk brings what it stands on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from drawdown.imports.results import RowResult
from drawdown.imports.sheets import OWN_KEY

Row = Mapping[str, Any]  # as it is sent: its number, its kind, its cells


class Rehearsal:
    """Rows of the dry run that would have been taken, by what later rows may ask of them."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._on_allocation: defaultdict[str, list[Row]] = defaultdict(list)
        self._between: dict[tuple[str, str], Row] = {}  # a fund and a deal
        self._terms: dict[int, Any] = {}
        self.calls: dict[str, int] = {}
        self._paid: defaultdict[int, Decimal] = defaultdict(Decimal)
        self._payments: dict[int, int] = {}  # a hash of the identity → one of the content

    # ---- promises

    def promises_below(self, rows: Iterable[Row]) -> list[Row]:
        """The earlier rows on which these stand: what they refer to, what shares a limit with them, and namesakes."""
        found: dict[int, Row] = {}

        def add(kind: str, key: str) -> None:
            row = self._rows.get((kind, key))
            if row is None or row["row"] in found:
                return
            found[row["row"]] = row
            add("fund", row.get("fund_key", ""))
            add("deal", row.get("deal_key", ""))
            if kind == "call":
                add("allocation", row.get("allocation_key", ""))

        for row in rows:
            add(row["type"], row.get(OWN_KEY[row["type"]], ""))
            add("fund", row.get("fund_key", ""))
            add("deal", row.get("deal_key", ""))
            if twin := self._between.get((row.get("fund_key", ""), row.get("deal_key", ""))):
                add("allocation", twin["allocation_key"])
            if row["type"] == "call":
                add("allocation", row.get("allocation_key", ""))
                for sister in self._on_allocation.get(row.get("allocation_key", ""), ()):
                    add("call", sister["call_key"])
        return list(found.values())

    def remember_promises(self, rows: Sequence[Row], results: Sequence[RowResult], terms: Iterable[Any]) -> None:
        """Takes in what a chunk would have made."""
        by_id = {one["call_id"]: one for one in terms}
        told = {row["row"]: row for row in rows}
        for one in results:
            if one.outcome != "created" or one.id is None:
                continue
            row = told[one.number]
            self._rows[one.kind, one.key] = row
            if one.kind == "allocation":
                self._between[row["fund_key"], row["deal_key"]] = row
            elif one.kind == "call":
                self._on_allocation[row["allocation_key"]].append(row)
                self.calls[one.key] = one.id
                self._terms[one.id] = by_id.get(one.id)

    # ---- payments

    def calls_below(self, call_ids: Iterable[int]) -> list[Mapping[str, Any]]:
        """What would be true by now of the calls that some payments name."""
        return [
            {"call_id": id, "terms": self._terms.get(id), "paid": str(self._paid.get(id, Decimal(0)))}
            for id in sorted(set(call_ids))
            if id in self._terms or id in self._paid
        ]

    def judge_payments(self, rows: Sequence[Row], results: Sequence[RowResult]) -> list[RowResult]:
        """The services' word on a chunk, and what they cannot know: identities and originals of earlier chunks."""
        told = {row["row"]: row for row in rows}
        return [self._judge(told[one.number], one) for one in results]

    def _judge(self, row: Row, one: RowResult) -> RowResult:
        if one.outcome != "created":
            return one
        source = row.get("source")
        identity = hash((source, row.get("payment_id")))
        content = hash(tuple(sorted((name, str(row[name])) for name in row.keys() - {"row", "remitter"})))
        before = self._payments.get(identity)
        if before == content:
            return one._replace(outcome="already_there", id=None)
        if before is not None:
            reason = "an earlier row of the same source and payment_id says otherwise"
            return one._replace(outcome="refused", id=None, code="identity_conflict", reason=reason)
        self._payments[identity] = content
        if one.code == "original_not_found" and hash((source, row.get("reverses"))) in self._payments:
            return one._replace(code=None, reason="takes back a payment of an earlier row", status="reversed")
        if one.status == "applied" and "call_id" in row:
            self._paid[row["call_id"]] += Decimal(row["amount"])
        return one
