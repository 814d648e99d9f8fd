"""One run: every sheet, kind by kind, in chunks; each chunk is made ready while the one before it is being answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from drawdown.imports.rehearsal import Rehearsal
from drawdown.imports.results import Results, RowResult
from drawdown.imports.sending import PAYMENTS, PROMISES, Desk
from drawdown.imports.sheets import KINDS, OWN_KEY, Numbered, Sheet, rows_of

CHUNK_ROWS: Final = 5_000
_REHEARSED_ROWS: Final = 500  # a chunk of a dry run also carries what its rows stand on

Row = dict[str, Any]  # as it is sent: its number, its kind, its cells


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows ready to be sent, and those of them that cannot be."""

    rows: Sequence[Row]
    keys: Mapping[int, str]  # by the row's number
    body: bytes
    call_ids: Sequence[int]
    refused: Sequence[RowResult]


class Run:
    """Hands in sheets. `done` hears how many rows of which kind were answered."""

    def __init__(
        self,
        desk: Desk,
        sheets: Sequence[Sheet],
        results: Mapping[Path, Results],
        *,
        done: Callable[[str, int], None],
        source: str | None,
        dry_run: bool,
    ) -> None:
        self._desk = desk
        self._sheets = sheets
        self._results = results
        self._done = done
        self._source = source
        self._rehearsal = Rehearsal() if dry_run else None

    def run(self) -> None:
        """Every row of every sheet; raises `CannotImport`, and what was answered until then is done and written."""
        for sheet in self._sheets:
            misfits = [
                RowResult(number, kind, "", "refused", None, "invalid_value", why)
                for number, kind, why in sheet.misfits
            ]
            self._results[sheet.path].add(misfits)
            self._done("", len(misfits))
        for kind in KINDS:
            for sheet in self._sheets:
                for chunk in self._chunks(sheet, kind):
                    found = [*self._answer(kind, chunk), *chunk.refused]
                    self._results[sheet.path].add(sorted(found))
                    self._done(kind, len(found))

    # ---- making chunks ready

    def _chunks(self, sheet: Sheet, kind: str) -> Iterator[Chunk]:
        rows = rows_of(sheet, kind)
        if self._rehearsal is not None:  # each chunk depends on what came of the one before it
            while some := list(islice(rows, _REHEARSED_ROWS)):
                yield self._ready(sheet, kind, some)
            return
        ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chunks")
        try:
            coming = ahead.submit(self._next, sheet, kind, rows)
            while chunk := coming.result():
                coming = ahead.submit(self._next, sheet, kind, rows)
                yield chunk
        finally:
            ahead.shutdown(wait=False)

    def _next(self, sheet: Sheet, kind: str, rows: Iterator[Numbered]) -> Chunk | None:
        some = list(islice(rows, CHUNK_ROWS))
        return self._ready(sheet, kind, some) if some else None

    def _ready(self, sheet: Sheet, kind: str, some: Sequence[Numbered]) -> Chunk:
        keys = {one.number: one.cells.get(OWN_KEY[kind], "") for one in some}
        refused: list[RowResult] = []
        call_ids: Sequence[int] = ()
        assume: Sequence[Mapping[str, Any]] = ()
        if kind == "payment":
            rows, refused = self._payments(some)
            call_ids = sorted({row["call_id"] for row in rows if "call_id" in row})
            if self._rehearsal is not None:
                assume = self._rehearsal.calls_below(call_ids)
        else:
            rows = [{"row": one.number, "type": kind, **one.cells} for one in some]
            if self._rehearsal is not None:
                assume = self._rehearsal.promises_below(rows)
        told: dict[str, Any] = {"import_id": sheet.sha256, "rows": rows}
        if self._rehearsal is not None:
            told["assume"] = assume
        return Chunk(rows, keys, orjson.dumps(told), call_ids, refused)

    def _payments(self, some: Sequence[Numbered]) -> tuple[list[Row], list[RowResult]]:
        """Payments as a bank would report them, with their calls' ids; without those that name a call nobody made."""
        wanted = list({key: None for one in some if (key := one.cells.get("call_key"))})
        ids = self._calls(wanted)
        rows: list[Row] = []
        refused: list[RowResult] = []
        for number, cells in some:
            row: Row = {"row": number, "kind": "credit"}
            if self._source is not None:
                row["source"] = self._source
            row.update(cells)
            name, account = row.pop("remitter_name", None), row.pop("remitter_account", None)
            if name or account:
                row["remitter"] = {"name": name, "account": account}
            key = row.pop("call_key", None)
            if key is None or key in ids:
                rows.append(row if key is None else {**row, "call_id": ids[key]})
            else:
                why = f"There is no call with the key {key}."
                told = cells.get("payment_id", "")
                refused.append(RowResult(number, "payment", told, "refused", None, "call_not_found", why))
        return rows, refused

    def _calls(self, keys: Sequence[str]) -> Mapping[str, int]:
        if not keys:
            return {}
        known = self._desk.ids_of_calls(keys)
        return known if self._rehearsal is None else {**self._rehearsal.calls, **known}

    # ---- what came of them

    def _answer(self, kind: str, chunk: Chunk) -> list[RowResult]:
        if not chunk.rows:
            return []
        path = PAYMENTS if kind == "payment" else PROMISES
        if self._rehearsal is None:
            answer = self._desk.hand_in(path, chunk.body, call_ids=chunk.call_ids)
        else:
            answer = self._desk.rehearse(path, chunk.body)
        results = [
            RowResult(
                *(one["row"], kind, chunk.keys[one["row"]], one["outcome"], one["id"], one["code"], one["detail"]),
                status=one.get("status"),
            )
            for one in answer["results"]
        ]
        if self._rehearsal is None:
            return results
        if kind == "payment":
            results = self._rehearsal.judge_payments(chunk.rows, results)
        else:
            self._rehearsal.remember_promises(chunk.rows, results, answer["terms"])
        return [one._replace(id=None) if one.outcome == "created" else one for one in results]
