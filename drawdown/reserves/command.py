"""The commands of ``drawdown reserves``: amounts in major units of the fund's currency, as everywhere outside HTTP."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from drawdown import exits
from drawdown.asking import answer, front, pages
from drawdown.options import DEFAULT_DATA, Data, Json
from drawdown.reserves import picture
from drawdown.reserves.desk import TIMEOUT, Book, Desk, Unanswered, exact, problem_of
from drawdown.reserves.sheets import BadSheet, Row, amount_of, read_sheet, write_sheet
from drawdown.stack import to_stderr

app = typer.Typer(no_args_is_help=True, help="Reserves: what a fund plans for its companies, previewed and committed.")

Fund = Annotated[int, typer.Argument(metavar="FUND", min=1, show_default=False, help="A fund's id.")]
Sheet = Annotated[
    Path,
    typer.Argument(
        metavar="FILE.csv",
        exists=True,
        dir_okay=False,
        readable=True,
        show_default=False,
        help="company_id,planned_reserves and, if you like, allocation_cap.",
    ),
]
Reason = Annotated[str | None, typer.Option(help="Why; it goes on record.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE.csv", dir_okay=False, help="Write it as a sheet.")]
ForVersion = Annotated[
    int | None,
    typer.Option("--version", min=0, help="The version that the file was made for; else the one there is now."),
]

_CONFLICTS: Final = frozenset({"version_conflict", "digest_mismatch"})


class Formula(StrEnum):
    """Where a suggestion's figures come from."""

    CONCENTRATION = "concentration"
    TOTAL = "total"
    UNFUNDED = "unfunded"
    TEMPLATE = "template"


@app.command()
def show(fund: Fund, data: Data = DEFAULT_DATA, out: Out = None, json_output: Json = False) -> None:
    """What a fund plans for each of its companies, with its share of the total, its cap, and the version of it all."""
    with _desk(data, fund) as desk:
        book = desk.book()
    if out is not None:
        rows = [(one["company_id"], one["company_name"], one["planned_reserves_cents"]) for one in book.companies]
        _write(out, rows, book)
    if json_output:
        _print(picture.book_as_json(book))
    else:
        picture.show_book(Console(), book)


@app.command("set")
def set_(
    fund: Fund,
    file: Sheet,
    data: Data = DEFAULT_DATA,
    reason: Reason = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Say what companies have and may have, new ones too; `none` as a cap takes it away.

    An empty cell leaves things as they are. To see first what a move comes to, use `preview` and `commit`.
    Exit code 0: done, or nothing was to do. 2: refused, with the line and the reason of each bad row; nothing was done.
    """
    with _desk(data, fund) as desk:
        book = desk.book()
        rows = _read(file, book, setting_up=True)
        _refuse(file, _strangers(desk.http, rows, book))
        has = {one["company_id"]: one for one in book.companies}
        rows = [row for row in rows if row.changes(has.get(row.company_id))]
        if rows and not dry_run:
            told = desk.set_up([row.company() for row in rows], reason, version=book.version)
            _decided(desk, file, rows, told, book.version)
            book = desk.book()
    if json_output:
        _print({"dry_run": dry_run, "companies": len(rows), "reserves": picture.book_as_json(book)})
    elif dry_run:
        picture.say(Console(), f"{len(rows)} rows would be set up on version {book.version}; nothing was done")
    else:
        picture.show_book(Console(), book)


@app.command()
def preview(
    fund: Fund, file: Sheet, data: Data = DEFAULT_DATA, version: ForVersion = None, json_output: Json = False
) -> None:
    """What new reserves come to: changes, totals, warnings, and the digest that names just this outcome.

    Nothing is written. Exit code 0: it could be committed. 2: it could not, and stderr says why.
    """
    with _desk(data, fund) as desk:
        book = desk.book()
        rows = _read(file, book)
        told = _previewed(desk, file, rows, _proposal(rows, book, version))
    if json_output:
        _print({**_head(book), **picture.in_major(told, book.currency)})
    else:
        picture.show_preview(Console(), book, told)
    _stop_if_invalid(told)


@app.command()
def commit(
    fund: Fund,
    file: Sheet,
    data: Data = DEFAULT_DATA,
    digest: Annotated[str | None, typer.Option(help="Only if it comes to just what that preview showed.")] = None,
    version: ForVersion = None,
    reason: Reason = None,
    user: Annotated[int | None, typer.Option(min=1, help="Who decided it; kept as claimed.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_output: Json = False,
) -> None:
    """Preview new reserves, show them, ask, and do just what was shown, or nothing.

    Exit code 0: done. 1: not done, since the answer was no. 2: refused; where somebody else changed the reserves
    meanwhile, stderr says who.
    """
    with _desk(data, fund) as desk:
        book = desk.book()
        rows = _read(file, book)
        proposal = _proposal(rows, book, version)
        told = _previewed(desk, file, rows, proposal)
        if not (json_output and yes):
            picture.show_preview(Console(stderr=json_output), book, told)
        _stop_if_invalid(told)
        if digest not in {None, told["digest"]}:
            to_stderr("this is not what the preview with that digest showed; nothing was committed")
            _say_who(desk, book.version - 1)
            raise typer.Exit(exits.USAGE)
        if not yes and not _agreed(f"commit this as version {proposal['current_version'] + 1}?"):
            to_stderr("nothing was committed")
            raise typer.Exit(exits.FAILED)
        extras = {"digest": told["digest"], "reason": reason, "user_id": user}
        body = {**proposal, **{name: one for name, one in extras.items() if one is not None}}
        done = _decided(desk, file, rows, desk.commit(body), proposal["current_version"])
    if json_output:
        _print({**_head(book), "preview": picture.in_major(told, book.currency), "commit": done})
    else:
        companies = f"{done['updated_count']} companies" if done["updated_count"] > 1 else "1 company"
        picture.say(Console(), f"committed     version {done['new_version']}, {companies}, audit id {done['audit_id']}")


@app.command()
def history(
    fund: Fund,
    data: Data = DEFAULT_DATA,
    user: Annotated[int | None, typer.Option(min=1, help="Only what this user is said to have decided.")] = None,
    company: Annotated[int | None, typer.Option(min=1, help="Only what named this company.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Only what made this version.")] = None,
    most: Annotated[int | None, typer.Option(min=1, help="No more than so many.")] = None,
    json_output: Json = False,
) -> None:
    """Every version of a fund's reserves, the newest first: who made it, when, what it changed, and why."""
    asked = {"user_id": user, "company_id": company, "version": version}
    with _desk(data, fund) as desk:
        code = _currency(desk.http, fund)
        query = {name: str(one) for name, one in asked.items() if one is not None}
        entries = list(desk.history(query, most=most))
    if json_output:
        _print(picture.in_major(entries, code))
    else:
        picture.show_history(Console(), entries, code, company_id=company)


@app.command()
def suggest(
    fund: Fund,
    formula: Annotated[Formula, typer.Argument(show_default=False, help="Where the figures come from.")],
    data: Data = DEFAULT_DATA,
    limit: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="concentration: the most for one company, such as 25.")
    ] = None,
    amount: Annotated[str | None, typer.Option(help="total: what all reserves are to come to.")] = None,
    template: Annotated[str | None, typer.Option("--name", help="template: which of the fund's.")] = None,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """New reserves by a formula, with the formula, the same in words, and what they would come to. Nothing is written.

    concentration: no company above a share of the total, which stays. total: everybody scaled to a new total.
    unfunded: the total spread by what is promised and not paid. template: spread by saved shares.
    """
    options = {Formula.CONCENTRATION: limit, Formula.TOTAL: amount, Formula.TEMPLATE: template}
    if {one for one, said in options.items() if said is not None} != {formula} - {Formula.UNFUNDED}:
        to_stderr("ask for concentration --limit PERCENT, total --amount AMOUNT, template --name NAME, or unfunded")
        raise typer.Exit(exits.USAGE)
    with _desk(data, fund) as desk:
        book = desk.book()
        path, query = _asked(desk, formula, options.get(formula), book)
        told = answer(desk.http.get(path, params=query))
        proposal = {name: told[name] for name in ("current_version", "proposed_allocations")}
        outcome = _outcome(desk, desk.preview(proposal), told["current_version"])
    if out is not None:
        names = {one["company_id"]: one["company_name"] for one in book.companies}
        proposed = [(one["company_id"], one["planned_reserves_cents"]) for one in told["proposed_allocations"]]
        _write(out, [(company, names.get(company, ""), planned) for company, planned in proposed], book)
        to_stderr(f"next: drawdown reserves commit {fund} {escape(str(out))} --version {told['current_version']}")
    if json_output:
        preview_ = picture.in_major(outcome, book.currency)
        _print({**_head(book), **picture.in_major(told, book.currency), "preview": preview_})
        return
    console = Console()
    picture.show_preview(console, book, outcome)
    picture.say(console, f"formula       {told['formula']}")
    picture.say(console, f"explanation   {told['explanation']}")


@app.command()
def templates(fund: Fund, data: Data = DEFAULT_DATA, json_output: Json = False) -> None:
    """The newest version of each template of a fund; `suggest FUND template --name NAME` uses one."""
    with _desk(data, fund) as desk:
        code = _currency(desk.http, fund)
        found = list(pages(desk.http, f"{desk.path}/templates", {}))
    if json_output:
        _print(picture.in_major(found, code))
    else:
        picture.show_templates(Console(), found, code)


@app.command()
def scheduled(
    data: Data = DEFAULT_DATA,
    status: Annotated[str | None, typer.Option(help="Only waiting, done, parked or cancelled.")] = None,
    json_output: Json = False,
) -> None:
    """Commits that wait for their time, and what became of the others, with the reason where one was parked."""
    with front(data, timeout=TIMEOUT) as http:
        found = list(pages(http, "/api/reallocation/scheduled", {} if status is None else {"status": status}))
        funds = {part["fund_id"] for one in found for part in one["commits"]} if json_output else set()
        codes = {fund: _currency(http, fund) for fund in sorted(funds)}
    if json_output:
        _print(
            [{**one, "commits": [picture.in_major(c, codes[c["fund_id"]]) for c in one["commits"]]} for one in found]
        )
    else:
        picture.show_scheduled(Console(), found)


# ---- what they share


@contextmanager
def _desk(data: Path, fund: int) -> Iterator[Desk]:
    """A desk for one fund; a write that nobody answered is said, and ends the command."""
    try:
        with front(data, timeout=TIMEOUT) as http:
            yield Desk(http, fund, lambda line: to_stderr(escape(line)))
    except Unanswered as unknown:
        to_stderr(escape(str(unknown)))
        raise typer.Exit(exits.FAILED) from None


def _read(file: Path, book: Book, *, setting_up: bool = False) -> list[Row]:
    try:
        return read_sheet(file.read_bytes(), book.currency, setting_up=setting_up)
    except BadSheet as bad:
        _refuse(file, bad.problems)
    except OSError as problem:
        to_stderr(escape(str(problem)))
    raise typer.Exit(exits.USAGE)


def _refuse(file: Path, problems: Sequence[str]) -> None:
    """Ends the command where there are problems."""
    for problem in problems:
        to_stderr(escape(f"{file}: {problem}"))
    if problems:
        to_stderr(escape(f"{file}: refused; nothing was done"))
        raise typer.Exit(exits.USAGE)


def _strangers(http: httpx.Client, rows: Sequence[Row], book: Book) -> list[str]:
    """Rows of a set-up that the service would refuse: it is asked for nothing that it would not do whole."""
    unknown = {row.company_id for row in rows} - {one["company_id"] for one in book.companies}
    for deal in pages(http, "/api/deals", {}) if unknown else ():
        unknown.discard(deal["id"])
    return [
        f"line {row.line}: there is no company {row.company_id}; create it as a deal first"
        for row in rows
        if row.company_id in unknown
    ]


def _proposal(rows: Sequence[Row], book: Book, version: int | None) -> dict[str, Any]:
    made_for = book.version if version is None else version
    return {"current_version": made_for, "proposed_allocations": [row.proposed() for row in rows]}


def _previewed(desk: Desk, file: Path, rows: Sequence[Row], proposal: Mapping[str, Any]) -> dict[str, Any]:
    told = desk.preview(dict(proposal))
    _say_lines(file, rows, told)
    return _outcome(desk, told, proposal["current_version"])


def _decided(desk: Desk, file: Path, rows: Sequence[Row], told: httpx.Response, version: int) -> dict[str, Any]:
    """The answer to a write, or the end of the command with all that is known of why not."""
    if told.headers.get("idempotent-replayed") == "true":
        to_stderr("this very request was done before; its answer is shown again")
    _say_lines(file, rows, told)
    return _outcome(desk, told, version)


def _outcome(desk: Desk, told: httpx.Response, version: int) -> dict[str, Any]:
    if problem_of(told).get("code") in _CONFLICTS:
        _say_who(desk, version)
    answer(told)
    return exact(told)


def _say_lines(file: Path, rows: Sequence[Row], told: httpx.Response) -> None:
    """What a refusal says of a company, with the line that it stands in."""
    lines = {row.company_id: row.line for row in rows}
    for detail in problem_of(told).get("details") or ():
        if isinstance(detail, dict) and detail.get("company_id") in lines:
            company = detail["company_id"]
            to_stderr(escape(f"{file}: line {lines[company]}: company {company}: {detail['msg']}"))


def _say_who(desk: Desk, version: int) -> None:
    """Who made the versions after that one."""
    for entry in reversed(desk.since(version)):
        to_stderr(escape(picture.sentence(entry)))


def _stop_if_invalid(told: Mapping[str, Any]) -> None:
    if not told["validation"]["is_valid"]:
        to_stderr("it cannot be committed: " + escape("; ".join(told["validation"]["errors"])))
        raise typer.Exit(exits.USAGE)


def _agreed(question: str) -> bool:
    """What a person answers; where nobody is there, that is a no. Nothing of it goes to stdout."""
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _asked(desk: Desk, formula: Formula, said: str | None, book: Book) -> tuple[str, dict[str, Any]]:
    """Where a suggestion is, and with what it is asked for."""
    if formula is Formula.TEMPLATE:
        return f"{desk.path}/templates/{quote(said or '', safe='')}/proposal", {}
    path = f"{desk.path}/suggestions/{formula}"
    if formula is not Formula.TOTAL:
        return path, {} if said is None else {"limit_percent": said}
    try:
        return path, {"total_cents": amount_of(said or "", book.currency)}
    except ValueError as problem:
        to_stderr(escape(f"--amount: {problem}"))
        raise typer.Exit(exits.USAGE) from None


def _currency(http: httpx.Client, fund: int) -> str:
    code: str = answer(http.get(f"/api/funds/{fund}"))["currency"]
    return code


def _head(book: Book) -> dict[str, Any]:
    return {"fund_id": book.fund_id, "currency": book.currency}


def _write(out: Path, rows: Sequence[tuple[int, str, int]], book: Book) -> None:
    try:
        write_sheet(out, rows, book.currency)
    except OSError as problem:
        to_stderr(escape(str(problem)))
        raise typer.Exit(exits.FAILED) from None


def _print(document: object) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))
