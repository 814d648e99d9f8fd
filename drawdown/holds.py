"""``drawdown holds``: money that no rule could place: look at it, say whose it is, decide one by one or by file."""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from drawdown import exits
from drawdown.asking import answer, front, pages
from drawdown.decisions import HEAD, BadDecisions, Decision, read_decisions
from drawdown.options import DEFAULT_DATA, Data, Json
from drawdown.stack import to_stderr

app = typer.Typer(no_args_is_help=True, help="Work through money on hold: look, assign, resolve.")

_AT_ONCE: Final = 100  # decisions of one request, so that a long file shows how far it is
_TIMEOUT: Final = httpx.Timeout(30, read=120)

Hold = Annotated[int, typer.Argument(metavar="ID", min=1, help="A hold's id, as `list` shows it.")]
Reason = Annotated[str | None, typer.Option(help="Why; it goes on record.")]


@app.command("list")
def list_(
    data: Data = DEFAULT_DATA,
    reason: Annotated[str | None, typer.Option(help="Only held for this reason, such as no_match.")] = None,
    fund: Annotated[int | None, typer.Option(min=1, help="Only money meant for this fund.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only what this person looks after.")] = None,
    source: Annotated[str | None, typer.Option(help="Only what this source told.")] = None,
    older_than: Annotated[int, typer.Option(metavar="DAYS", min=0, help="Only what waits so long.")] = 0,
    state: Annotated[str, typer.Option(help="open or resolved")] = "open",
    sort: Annotated[str, typer.Option(help="age or amount: the oldest, or the largest, first")] = "age",
    most: Annotated[int | None, typer.Option(min=1, help="No more than so many.")] = None,
    json_output: Json = False,
) -> None:
    """Money on hold and conflicts, with the best candidate for each."""
    asked = {"reason": reason, "fund_id": fund, "owner": owner, "source": source, "older_than_days": older_than}
    query = {name: str(value) for name, value in {**asked, "state": state, "sort": sort}.items() if value is not None}
    with front(data, timeout=_TIMEOUT) as http:
        holds = list(pages(http, "/api/holds", query, most=most))
        summary = answer(http.get("/api/holds/summary")) if state == "open" and not json_output else None
    if json_output:
        print(json.dumps(holds, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(as_table(holds) if holds else f"no {state} holds")
    for total in (summary or {}).get("by_currency", ()):
        console.print(
            f"{total['holds']} payments with {total['amount']} {total['currency']} on hold in all, "
            f"the oldest for {total['oldest_age_days']} days",
            highlight=False,
            soft_wrap=True,
        )


@app.command()
def show(hold_id: Hold, data: Data = DEFAULT_DATA, json_output: Json = False) -> None:
    """One hold: what the bank said, what it may be for and why, and what was decided."""
    with front(data, timeout=_TIMEOUT) as http:
        hold = answer(http.get(f"/api/holds/{hold_id}"))
    if json_output:
        print(json.dumps(hold, indent=2, ensure_ascii=False))
        return
    console = Console()
    for name in (
        *("state", "reason", "amount", "currency", "age_days", "owner", "payment", "source", "payment_id", "kind"),
        *("value_date", "remitter_name", "reference", "remittance", "fund_id", "call_id", "resembles"),
        *("conflicts_with", "resolution"),
    ):
        if hold[name] is not None:
            console.print(f"{name:<14} {hold[name]}", highlight=False, markup=False, soft_wrap=True)
    for number, candidate in enumerate(hold["candidates"], 1):
        console.print(f"\ncandidate {number}: {parts_of(candidate)}, {candidate['score']} of 100", highlight=False)
        for one in candidate["inputs"]:
            line = f"  {one['points']:>3}  {one['told']}: {one['matched']}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for decision in hold["decisions"]:
        line = f"\n{decision['recorded_at']}  {decision['actor']}: {decision['action']}, {decision['reason']}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


@app.command()
def assign(
    hold_ids: Annotated[list[int], typer.Argument(metavar="ID…", min=1, show_default=False, help="Holds.")],
    owner: Annotated[str | None, typer.Option(help="Who looks after them from now on.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Nobody does, from now on.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Say who looks after open holds."""
    if (owner is None) != nobody:
        to_stderr("say --owner NAME or --nobody")
        raise typer.Exit(exits.USAGE)
    with front(data, timeout=_TIMEOUT) as http:
        for hold_id in hold_ids:
            hold = answer(http.post(f"/api/holds/{hold_id}/assign", json={"owner": owner}))
            print(f"hold {hold_id} is {hold['owner'] or 'nobody'}'s")


@app.command()
def resolve(
    hold_id: Annotated[int | None, typer.Argument(metavar="[ID]", min=1, show_default=False, help="A hold.")] = None,
    action: Annotated[str | None, typer.Option(help="apply, return or dismiss")] = None,
    part: Annotated[
        list[str] | None, typer.Option(metavar="CALL:AMOUNT", help="For apply; may be given several times.")
    ] = None,
    candidate: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Apply to the Nth candidate that `show` names.")
    ] = None,
    reason: Reason = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, readable=True, help=f"CSV: {','.join(HEAD)}."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where what became of each row goes; FILE.results.csv.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of each, and do nothing.")] = False,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Decide about one hold, or about every row of a file.

    Each decision is done whole or not at all. The same file again does what is left, and nothing twice.
    Exit code 0: all done. 2: one or more were refused.
    """
    if (file is None) == (hold_id is None):
        to_stderr("say which hold, or --file")
        raise typer.Exit(exits.USAGE)
    with front(data, timeout=_TIMEOUT) as http:
        if file is not None:
            _resolve_file(http, file, results or file.with_suffix(".results.csv"), dry_run, json_output)
            return
        hold = answer(http.get(f"/api/holds/{hold_id}"))
        decision = _decision_of(hold, action, part or [], candidate, reason)
        decided = _send(http, [decision], dry_run=dry_run, key=None)
    if json_output:
        print(json.dumps(decided[0], indent=2, ensure_ascii=False))
    else:
        _say(f"hold {hold_id}", decided[0], dry_run)
    raise typer.Exit(exits.OK if decided[0]["result"] == "done" else exits.USAGE)


def as_table(holds: Sequence[dict[str, Any]]) -> Table:
    """One line per hold: what it is, since when, whose, and what it is most likely for."""
    table = Table(
        Column("id", no_wrap=True),
        Column("days", justify="right", no_wrap=True),
        Column("amount", justify="right", no_wrap=True),
        Column("", no_wrap=True),
        Column("reason", no_wrap=True),
        Column("owner", no_wrap=True),
        Column("from", overflow="fold"),
        Column("best candidate", overflow="fold"),
        box=SIMPLE,
        pad_edge=False,
    )
    for hold in holds:
        best = hold["candidates"][0] if hold["candidates"] else None
        resembles = f"resembles payment {hold['resembles']}" if hold["resembles"] else ""
        table.add_row(
            str(hold["id"]),
            str(hold["age_days"]),
            hold["amount"],
            hold["currency"],
            hold["reason"].replace("_", " "),
            escape(hold["owner"] or ""),
            escape((hold["remitter_name"] or hold["remittance"] or hold["source"])[:40]),
            f"{parts_of(best)} ({best['score']})" if best else resembles,
        )
    return table


def parts_of(candidate: dict[str, Any]) -> str:
    """Where a candidate would have the money go."""
    parts = ", ".join(f"{part['amount']} to call {part['call_id']}" for part in candidate["parts"])
    others = ", ".join(str(payment_id) for payment_id in candidate["with_payments"])
    return f"{parts}, with payments {others}" if others else parts


def _decision_of(
    hold: dict[str, Any], action: str | None, parts: Sequence[str], candidate: int | None, reason: str | None
) -> Decision:
    if candidate is not None:
        if action not in {None, "apply"} or parts or candidate > len(hold["candidates"]):
            count = len(hold["candidates"])
            to_stderr(f"--candidate stands for --action apply and its parts; hold {hold['id']} has {count} candidates")
            raise typer.Exit(exits.USAGE)
        action = "apply"
        parts = [f"{part['call_id']}:{part['amount']}" for part in hold["candidates"][candidate - 1]["parts"]]
    try:
        return Decision.read(1, str(hold["payment"]), action or "", " ".join(parts), reason or "")
    except ValueError as error:
        to_stderr(escape(str(error)))
        raise typer.Exit(exits.USAGE) from None


# ---- by file


@dataclass(frozen=True, slots=True)
class _Key:
    """Names each request of a file for ever: the same bytes again are the same requests."""

    digest: str

    def __call__(self, first: int) -> str:
        return f"holds/{self.digest}/{first}"


def _resolve_file(http: httpx.Client, file: Path, results: Path, dry_run: bool, json_output: bool) -> None:
    content = file.read_bytes()
    try:
        decisions = read_decisions(content)
    except BadDecisions as bad:
        for problem in bad.problems:
            to_stderr(escape(f"{file}: {problem}"))
        to_stderr(escape(f"{file}: refused; nothing was decided"))
        raise typer.Exit(exits.USAGE) from None
    key = _Key(hashlib.sha256(content).hexdigest()[:40])
    decided: list[dict[str, Any]] = []
    with results.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("line", "payment_id", "action", "result", "detail"))
        for first in range(0, len(decisions), _AT_ONCE):
            slice_ = decisions[first : first + _AT_ONCE]
            told = _send(http, slice_, dry_run=dry_run, key=None if dry_run else key(first))
            for decision, one in zip(slice_, told, strict=True):
                writer.writerow(
                    (decision.line, decision.payment_id, decision.action, one["result"], one["detail"] or "")
                )
            out.flush()
            decided += told
    refused = sum(one["result"] != "done" for one in decided)
    if json_output:
        print(json.dumps({"done": len(decided) - refused, "refused": refused, "dry_run": dry_run, "results": decided}))
    else:
        what = "would be done" if dry_run else "are done"
        print(f"{len(decided) - refused} of {len(decided)} decisions {what}, {refused} refused: see {results}")
    if refused:
        raise typer.Exit(exits.USAGE)


def _send(http: httpx.Client, decisions: Sequence[Decision], *, dry_run: bool, key: str | None) -> list[dict[str, Any]]:
    """What became of each decision, in the order given."""
    body = {"items": [decision.as_json() for decision in decisions], "dry_run": dry_run}
    headers = {} if key is None else {"Idempotency-Key": key}
    found = answer(http.post("/api/holds/resolve", json=body, headers=headers))
    by_payment = {one["payment_id"]: one for one in found["results"]}
    return [by_payment[decision.payment_id] for decision in decisions]


def _say(what: str, decided: dict[str, Any], dry_run: bool) -> None:
    if decided["result"] == "done":
        print(f"{what} {'would be' if dry_run else 'is'} resolved")
    else:
        to_stderr(escape(" ".join(filter(None, [decided["detail"], decided["recommendation"]]))))
