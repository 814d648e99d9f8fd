"""`drawdown feed`: bank statements in, by way of the running stack's front."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from drawdown import exits, options
from drawdown.addresses import NotRunning, look_up
from drawdown.signals import interrupting
from drawdown.stack import to_stderr
from drawdown.watched_folder import InUse, TryAgain, WatchedFolder

_CHUNK_BYTES: Final = 64 * 1024
_TIMEOUT: Final = httpx.Timeout(30, read=600)  # seconds; a large file is read whole before the answer comes
_SHOWN_ENTRIES: Final = 20
_PAGE_ENTRIES: Final = 200


class CannotFeed(TryAgain):
    """The stack could not answer; nothing is known of the file, and sending it again is safe."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one file: `document` is what ``--json`` prints."""

    path: Path
    taken: bool
    document: dict[str, Any]
    front: str = ""


def feed(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE…", exists=True, dir_okay=False, readable=True, show_default=False, help="Bank statements."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="ALIAS", help="Who reports, on which account; needed when an account comes first."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The saved profile of a CSV file, such as acme-csv or acme-csv@2."),
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, help="Feed what is put into this folder, until interrupted."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken, and keep nothing.")] = False,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
) -> None:
    """Feed bank statements: camt, MT940, BAI2, OFX, CSV by a saved profile, bare or in a zip or gzip.

    The format is found by content. A file is taken whole or refused whole; feeding it again changes nothing.

    Exit code 0: every file was taken. 2: a file was refused, and stderr says where it is wrong.
    """
    if bool(files) == (watch is not None):
        to_stderr("name the files to feed, or a folder with --watch")
        raise typer.Exit(exits.USAGE)
    if watch is not None and dry_run:
        to_stderr("--watch moves files when they are taken, so it cannot be a dry run")
        raise typer.Exit(exits.USAGE)
    refused = 0

    def one(path: Path) -> Answer:
        answer = send(look_up(data).front, path, source=source, profile=profile, dry_run=dry_run, in_full=as_json)
        if as_json:
            typer.echo(json.dumps(answer.document))
        else:
            show(answer, dry_run=dry_run)
        return answer

    try:
        if watch is not None:
            _watch(watch, one)
            return
        for path in files or ():
            refused += not one(path).taken
    except NotRunning as nothing:
        to_stderr(escape(str(nothing)))
        raise typer.Exit(exits.NOT_RUNNING) from None
    except (CannotFeed, OSError) as error:
        to_stderr(escape(str(error)))
        raise typer.Exit(exits.FAILED) from None
    if refused:
        raise typer.Exit(exits.USAGE)


def _watch(folder: Path, one: Callable[[Path], Answer]) -> None:
    def feed_one(path: Path) -> Answer:
        try:
            return one(path)
        except NotRunning as nothing:
            raise TryAgain(str(nothing)) from None

    watched = WatchedFolder(folder, feed_one, lambda text: to_stderr(escape(text)))
    to_stderr(escape(f"watching {folder}: what is taken goes to done/, what is refused to failed/; Ctrl-C ends it"))
    try:
        with interrupting():
            watched.run()
    except InUse as other:
        to_stderr(escape(str(other)))
        raise typer.Exit(exits.IN_USE) from None
    except KeyboardInterrupt:
        to_stderr("no longer watching; what was not moved is fed the next time")


def send(
    front: str,
    path: Path,
    *,
    source: str | None = None,
    profile: str | None = None,
    dry_run: bool = False,
    in_full: bool = False,
) -> Answer:
    """Upload one file to the stack whose front address is given, with a progress bar on stderr.

    The answer has the first thousand entries of each statement; `in_full` asks for the others too.

    Raises `CannotFeed` when there is no answer that decides.
    """
    asked = {"dry_run": "true" if dry_run else "false", "source": source, "profile": profile}
    params = {name: text for name, text in asked.items() if text}
    size_bytes = path.stat().st_size
    headers = {
        "x-drawdown-upload": "1",
        "content-type": "application/octet-stream",
        "content-length": str(size_bytes),
    }
    with _progress() as progress, httpx.Client(base_url=front, timeout=_TIMEOUT, trust_env=False) as http:
        task = progress.add_task(path.name, total=size_bytes)
        try:
            answer = http.post(
                "/api/bank-statements", params=params, headers=headers, content=_chunks(path, progress, task)
            )
            found = _answer(path, answer)
            for statement in found.document["statements"] if in_full else ():
                _complete(http, statement)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise CannotFeed(f"{path}: no answer from {front} ({reason}); feed it again, nothing is doubled") from None
    return replace(found, front=front)


def _complete(http: httpx.Client, statement: dict[str, Any]) -> None:
    """Adds the entries of a long statement that the answer to its upload leaves out."""
    if statement["id"] is None or not statement["entries_left_out"]:
        return
    entries: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": _PAGE_ENTRIES}
    while params.get("cursor", "") is not None:
        page = http.get(f"/api/bank-statements/{statement['id']}/entries", params=params).raise_for_status().json()
        entries += page["items"]
        params["cursor"] = page["next"]
    statement |= {"entries": entries, "entries_left_out": 0}


def show(answer: Answer, *, dry_run: bool = False) -> None:
    """Print for a person: what was taken to stdout, what is wrong to stderr."""
    for problem in answer.document["problems"]:
        to_stderr(escape(f"{answer.path}: {problem['where']}: {problem['what']}"))
    if not answer.taken:
        to_stderr(escape(f"{answer.path}: refused; nothing of it was kept"))
        return
    console = Console()
    for statement in answer.document["statements"]:
        console.print(_table(answer.path, statement))
        if statement["id"] is not None:
            console.print(f"proof: {answer.front}/bank-statements/{statement['id']}", soft_wrap=True)
    posted = sum(statement["sums"]["posted"] for statement in answer.document["statements"])
    what = "would be posted; nothing was kept" if dry_run else "are posted, each once, however often a file shows it"
    console.print(f"{escape(str(answer.path))}: {posted} entries {what}", soft_wrap=True)


def _answer(path: Path, answer: httpx.Response) -> Answer:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and answer.is_success:
        return Answer(path, taken=True, document={"file": str(path), **body})
    if not isinstance(body, dict) or answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        said = body.get("detail", "") if isinstance(body, dict) else ""
        raise CannotFeed(f"{path}: {answer.status_code} {said}; feed it again, nothing is doubled")
    problems = body.get("problems") or [{"where": "file", "what": _sentence(body)}]
    document = {"file": str(path), "format": body.get("format"), "statements": [], "problems": problems}
    return Answer(path, taken=False, document=document)


def _sentence(body: dict[str, Any]) -> str:
    return " ".join(f"{body[name].rstrip('.')}." for name in ("detail", "recommendation") if body.get(name))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _chunks(path: Path, progress: Progress, task: TaskID) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
            progress.advance(task, len(chunk))
    progress.update(task, description=f"{path.name}: sent, being read")


def _table(path: Path, statement: dict[str, Any]) -> Table:
    proven = {True: "proven", False: "NOT proven", None: "not provable"}[statement["proven"]]
    title = " · ".join([path.name, statement["statement_id"], statement["source"], f"account {statement['account']}"])
    table = Table(
        Column("value date", no_wrap=True),
        Column(statement["currency"], justify="right", no_wrap=True),
        Column("kind", no_wrap=True),
        Column("payment", overflow="fold"),
        Column("remittance", overflow="fold"),
        Column("", no_wrap=True),
        box=SIMPLE,
        title=escape(title),
        title_justify="left",
        caption=f"{_balances(statement)} · {proven}",
        caption_justify="left",
    )
    entries: Sequence[dict[str, Any]] = statement["entries"]
    for entry in entries[:_SHOWN_ENTRIES]:
        other_currency = "" if entry["currency"] == statement["currency"] else f" {entry['currency']}"
        table.add_row(
            entry["value_date"] or "",
            f"{'-' if entry['mark'] == 'debit' else ''}{entry['amount']}{other_currency}",
            entry["kind"] or "",
            escape(entry["payment_id"]),
            escape((entry["remittance"] or entry["reference"] or "")[:60]),
            "posted" if entry["posted"] else entry["why_not"].replace("_", " "),
        )
    if len(entries) > _SHOWN_ENTRIES:
        table.add_row("…", f"{len(entries) - _SHOWN_ENTRIES} more", "", "", "", "")
    return table


def _balances(statement: dict[str, Any]) -> str:
    shown = (
        ("opening", statement["opening"]),
        ("booked", statement["sums"]["booked"]),
        ("closing", statement["closing"]),
    )
    return ", ".join(f"{name} {amount or 'not stated'}" for name, amount in shown)
