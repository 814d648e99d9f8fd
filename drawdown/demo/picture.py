"""How the demo is shown: short enough for one screen, complete enough to be checked with a pencil."""

import json
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from drawdown.demo.acts import Made, Settled
from drawdown.demo.figures import Figure, bank_sum
from drawdown.demo.reserving import Moved
from drawdown.demo.story import CURRENCY, TIME_ZONE, Entry, Story, shown, spelled, usd
from drawdown.demo.story import SIZE as SIZE_TEXT

WIDTH: Final = 106

_STATUS_STYLES: Final = {"paid": "green", "overdue": "red", "partially_paid": "yellow", "scheduled": "dim"}
_WHY: Final = {
    "no_match": "names no call",
    "over_payment": "the call takes no more",
}


def show(console: Console, story: Story, made: Made, settled: Settled, figures: Sequence[Figure]) -> None:
    """Promises, bank entries and totals, in that order."""
    console.print()
    console.print(
        Text(made.name, style="bold"), Text(f"{CURRENCY} · {TIME_ZONE} · size {shown(usd(SIZE_TEXT))}", "dim")
    )
    console.print(_titled("What the fund promised and called", _promises(story, settled)))
    console.print(_titled("What its bank reported, the first day's statement twice", _entries(story, made)))
    console.print(_titled("What that comes to, by hand and in the ledger", _totals(figures)))
    said = json.dumps({name: settled.stats[name] for name in ("called_usd", "uncalled_usd", "called_pct", "basis")})
    console.print(Padding(Text.assemble(("bank         ", "dim"), bank_sum(story)), (0, 1)))
    console.print(Padding(Text.assemble(("cash basis   ", "dim"), said), (0, 1)))


def show_reserves(console: Console, story: Story, moved: Moved) -> None:
    """What was planned for each deal, what is now, and that nothing came or went."""
    table = _table("deal", "reserve", "becomes", "change", "%", right=("reserve", "becomes", "change", "%"))
    for each in story.reserves:
        change = each.after - each.before
        style, percent = "red" if change < 0 else "green", each.change_pct.replace("-", "−")
        table.add_row(each.deal, shown(each.before), shown(each.after), Text(shown(change), style), percent)
    console.print(_titled("What it plans beyond that, moved as a preview showed it", table))
    for when, planned in (("before", story.before()), ("after", story.after())):
        line = f"{spelled(planned)} = {shown(sum(planned))}"
        console.print(Padding(Text.assemble((f"{when:<13}", "dim"), line, ("  ✓", "green")), (0, 1)))
    for number, warning in enumerate(moved.warnings):
        console.print(Padding(Text.assemble((" " * 13 if number else "warned of    ", "dim"), warning), (0, 1)))


def _titled(title: str, table: Table) -> Group:
    return Group(Text(f"\n{title}", style="bold"), table)


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 0, 0, 1))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    return table


def _promises(story: Story, settled: Settled) -> Table:
    table = _table(
        "deal", "committed", "call", "amount", "due", "paid", "status", right=("committed", "amount", "paid")
    )
    for promise in story.promises:
        left = [(Text(promise.deal), shown(promise.committed)), (Text(promise.plan, "dim"), "")]
        for number, call in enumerate(promise.calls, start=1):
            deal, committed = left.pop(0) if left else (Text(), "")
            status = settled.calls[promise.deal, number]["status"]
            table.add_row(
                deal,
                committed,
                str(number),
                shown(call.amount),
                str(call.due_date),
                shown(story.paid((promise.deal, number))) if call.issue else "",
                Text(status.replace("_", " "), _STATUS_STYLES.get(status, "")),
            )
    return table


def _entries(story: Story, made: Made) -> Table:
    table = _table("entry", "booked", "amount", "from", "what became of it", right=("amount",))
    for number, statement in enumerate(story.statements):
        for entry in statement:
            table.add_row(
                made.bank_reference(entry.number),
                f"{story.day_of(number):%b %d}",
                shown(-entry.amount if entry.undoes else entry.amount),
                entry.remitter,
                _became(entry, made),
            )
    return table


def _became(entry: Entry, made: Made) -> Text:
    match entry.becomes:
        case "applied":
            assert entry.names, "money is applied to a call"
            how = "its text" if entry.in_text else "its reference"
            return Text.assemble(("applied", "green"), f" to {entry.names[0]} {entry.names[1]}, by ", how)
        case "takes back":
            assert entry.undoes, "a reversal has an original"
            return Text.assemble(("reversed", "yellow"), f": the bank takes {made.bank_reference(entry.undoes)} back")
        case "pending":
            return Text("not taken: pending, so not money yet", "dim")
        case held:
            return Text.assemble(("held", "red"), f": {_WHY[held]} ({held})")


def _totals(figures: Sequence[Figure]) -> Table:
    table = _table("", "sum", "total", "", right=("sum", "total"))
    for figure in figures:
        mark = Text("✓", "green")
        table.add_row(Text(figure.meaning, "dim"), figure.sum, Text(shown(figure.amount), "bold"), mark)
    return table
