"""How reserves are shown: amounts in major units, with thousands parted for people and plain for programs."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from drawdown.reserves.desk import Book, Json
from shared import currency

_AMOUNTS: Final = ("total_allocated_before", "total_allocated_after")
_STYLES: Final = {"increased": "green", "decreased": "red", "unchanged": "dim", "warning": "yellow", "error": "red"}
_CHANGES_SHOWN: Final = 4
_ROWS_SHOWN: Final = 500  # nobody reads more at a terminal, and programs ask for JSON
_WHOLE: Final = ("when", "at", "status")  # columns whose cells are one word


def in_major(told: Any, code: str) -> Any:
    """An answer in major units of the currency `code`: each `…_cents` becomes a decimal string without that ending."""
    match told:
        case dict():
            return {name.removesuffix("_cents"): _major(name, one, code) for name, one in told.items()}
        case list():
            return [in_major(one, code) for one in told]
        case _:
            return told


def _major(name: str, told: Any, code: str) -> Any:
    if isinstance(told, int) and (name.endswith("_cents") or name in _AMOUNTS):
        return currency.text(told, code)
    return in_major(told, code)


def shown(amount: int, code: str, *, signed: bool = False) -> str:
    """An amount as people read it: ``1,500,000.00``."""
    whole, point, decimals = currency.text(abs(amount), code).partition(".")
    sign = "-" if amount < 0 else "+" if signed and amount else ""
    return f"{sign}{int(whole):,}{point}{decimals}"


def share(part: int, whole: int) -> str:
    """A part in percent, to one decimal, half away from zero; 0.0 of nothing."""
    tenths = (2000 * part + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}"


def book_as_json(book: Book) -> Json:
    """A fund's reserves for programs."""
    return {
        "fund_id": book.fund_id,
        "fund": book.fund,
        "currency": book.currency,
        "version": book.version,
        "total": currency.text(book.total, book.currency),
        "companies": [
            {**in_major(one, book.currency), "share_percent": share(one["planned_reserves_cents"], book.total)}
            for one in book.companies
        ],
    }


def show_book(console: Console, book: Book) -> None:
    """A fund's reserves: each company with its share of all of them."""
    table = _table("company", "", "planned", "share %", "cap", right=("planned", "share %", "cap"))
    for one in book.companies[:_ROWS_SHOWN]:
        planned, cap = one["planned_reserves_cents"], one["allocation_cap_cents"]
        table.add_row(
            str(one["company_id"]),
            escape(one["company_name"]),
            shown(planned, book.currency),
            share(planned, book.total),
            "" if cap is None else shown(cap, book.currency),
        )
    if book.companies:
        console.print(table)
        _say_rest(console, "companies", len(book.companies))
    else:
        say(console, f"no reserves of {book.fund} are set up")
    say(console, f"{book.fund}: {shown(book.total, book.currency)} {book.currency} in all, version {book.version}")


def show_preview(console: Console, book: Book, told: Json) -> None:
    """What a proposal comes to: its companies, the totals of all, and what somebody should know before a commit."""
    table = _table("company", "", "from", "to", "change", "%", right=("from", "to", "change", "%"))
    for delta in told["deltas"][:_ROWS_SHOWN]:
        table.add_row(
            str(delta["company_id"]),
            escape(delta["company_name"]),
            shown(delta["from_cents"], book.currency),
            shown(delta["to_cents"], book.currency),
            shown(delta["delta_cents"], book.currency, signed=True),
            delta["delta_pct"],
            style=_STYLES[delta["status"]] if delta["status"] == "unchanged" else "",
        )
    console.print(table)
    _say_rest(console, "companies", len(told["deltas"]))
    totals, code = told["totals"], book.currency
    before, after = totals["total_allocated_before"], totals["total_allocated_after"]
    change = f"{shown(totals['delta_cents'], code, signed=True)}, {totals['delta_pct']} %"
    say(console, f"all reserves  {shown(before, code)} → {shown(after, code)} {code} ({change})")
    for warning in told["warnings"][:_ROWS_SHOWN]:
        severity = warning["severity"]
        console.print(f"[{_STYLES[severity]}]{severity:<13}[/] {escape(warning['message'])}", soft_wrap=True)
    _say_rest(console, "warnings", len(told["warnings"]))
    say(console, f"digest        {told['digest']}")


def show_history(console: Console, entries: Sequence[Json], code: str, *, company_id: int | None = None) -> None:
    """Every version in a line: who, when, what and why; of one company alone, if it is named."""
    table = _table("version", "when", "who", "what", "change", "reason", right=("version", "change"))
    for entry in entries:
        changes = [one for one in entry["changes"] if company_id in {None, one["company_id"]}]
        change = sum(one["to_cents"] - one["from_cents"] for one in changes)
        table.add_row(
            str(entry["new_version"]),
            moment(entry["created_at"]),
            escape(who(entry)),
            _changes(entry["kind"], changes, code),
            shown(change, code, signed=True),
            escape(entry["reason"] or ""),
        )
    console.print(table if entries else "no version of the reserves is such a one")


def moment(told: str) -> str:
    """A moment to the second, in UTC as the services tell it: ``2026-03-02 14:30:00Z``."""
    return f"{told[:10]} {told[11:19]}Z"


def who(entry: Json) -> str:
    """Who made a version, as the record has it."""
    actor: str = entry["actor"]
    return actor if entry["user_id"] is None else f"{actor} for user {entry['user_id']}"


def sentence(entry: Json) -> str:
    """A version in words."""
    companies = len(entry["changes"])
    what = "set-up" if entry["kind"] == "set_up" else "reallocation"
    of = f"{companies} companies" if companies > 1 else f"company {entry['changes'][0]['company_id']}"
    why = f": {entry['reason']}" if entry["reason"] else ""
    return f"version {entry['new_version']} is a {what} of {of} by {who(entry)} at {moment(entry['created_at'])}{why}"


def show_templates(console: Console, templates: Sequence[Json], code: str) -> None:
    """The newest version of each template in a line."""
    table = _table("name", "version", "shares", "saved by", "at", right=("version",))
    for one in templates:
        parts = [
            f"{part['company_id']}: {part['percent']} %"
            if one["basis"] == "percent"
            else f"{part['company_id']}: {shown(part['amount_cents'], code)}"
            for part in one["shares"]
        ]
        table.add_row(
            one["name"], str(one["version"]), _some(parts), escape(one["created_by"]), moment(one["created_at"])
        )
    console.print(table if templates else "no templates")


def show_scheduled(console: Console, scheduled: Sequence[Json]) -> None:
    """Each schedule in a line, and why one that is parked was not done."""
    table = _table("id", "status", "at", "funds", "made by", "", right=("id",))
    for one in scheduled:
        funds = [f"{part['fund_id']} (version {part['current_version']})" for part in one["commits"]]
        row = (one["status"], moment(one["run_at"]), _some(funds), one["created_by"], one["parked_reason"] or "")
        table.add_row(str(one["id"]), *map(escape, row))
    console.print(table if scheduled else "nothing is scheduled")


def say(console: Console, line: str) -> None:
    """A line as it is, however long."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _say_rest(console: Console, what: str, count: int) -> None:
    if count > _ROWS_SHOWN:
        say(console, f"and {count - _ROWS_SHOWN:,} more {what}; --json has them all")


def _changes(kind: str, changes: Sequence[Json], code: str) -> str:
    parts = [
        f"{one['company_id']}: {shown(one['from_cents'], code)} → {shown(one['to_cents'], code)}" for one in changes
    ]
    return "\n".join([*(["set-up"] if kind == "set_up" else []), _some(parts, between="\n")])


def _some(parts: Sequence[str], *, between: str = ", ") -> str:
    more = len(parts) - _CHANGES_SHOWN
    return between.join([*parts[:_CHANGES_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def _table(*names: str, right: Collection[str] = ()) -> Table:
    """Figures stand right and whole; what people wrote is folded where the terminal is narrow."""
    columns = [
        Column(name, justify="right" if name in right else "left", no_wrap=name in {*right, *_WHOLE}, overflow="fold")
        for name in names
    ]
    return Table(*columns, box=SIMPLE, pad_edge=False)
