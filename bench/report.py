"""The report: figures beside their goals, for the terminal and as a page of the documentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench import goals
from bench.rounds import DRAWDOWN, middle, rates, ratios

_HEAD: Final = """# Performance

What `make bench` measured, beside what we want. Written by the benchmark itself, from `performance.json`.

Every comparison is made inside one run, contender after contender, and ratios are taken round by round: the median is
shown with the smallest and the largest. The first round warms everything up and is not counted.
**Differences under 15 % are noise.** A run whose results are wrong has no score: totals per call, allocation and fund
must equal an independent model to the cent, each identity must be booked once, metrics and audit must say what the
ledger says, `drawdown check` must pass and the audit chains must verify.
"""

_WORKLOAD: Final = """## What is fed

{payments:,} records `payment.received` of about 290 bytes for {calls:,} calls of 200 funds (allocations over funds and
payments over allocations by Zipf 0.8), produced by one idempotent, lz4-compressed feed on the same machine.
5 % are duplicates (a tenth of them the same identity with another amount), 5 % out of order, 1 % come before their call
is known, 2 % pay more than their whole call, 0.5 % are reversals, 0.01 % cannot be read.
Time counts from the first record produced until every fund total in metrics is right, every reader has read
everything, and every outbox is empty. Every commit of ledger and audit is durable.
How many status events a payment causes depends on how many payments meet in one batch, so it stands beside the cost.
"""

_TRIED: Final = Path(__file__).with_name("tried.md")  # what no run can say: written by hand

_LIMITS: Final = """## What these figures do not say

- Feed, broker, PostgreSQL and all services share the cores of one machine, and there is one broker without replicas.
- History for the growth figures is fed through the services themselves, never copied into tables.
- The companies are more than fifty: an allocation is unique per fund and company, so 20,000 need as many companies as
  the largest fund has allocations.
- Peers know every call from the start, and do less: the table says what each does not give.
- A person waits for one reallocation at a time, so previews and commits were asked one after the other.
- Not measured by the benchmark yet: memory over an hour.
"""


def terminal(console: Console, told: Mapping[str, Any]) -> None:
    """The table of figures and goals."""
    table = Table("figure", "result", "goal", "gap", box=None, pad_edge=False)
    for line in goals.lines(told):
        table.add_row(line.figure, line.result, line.goal, line.gap)
    console.print(table)
    for figure, why in told["refused"].items():
        console.print(f"NO SCORE for {figure}: {why}", style="bold red", highlight=False)
    if told["busy"]:
        console.print("the machine was BUSY: nothing here is a score", style="bold red")


def page(told: Mapping[str, Any], *, picture: str) -> str:
    """The page for people, in Markdown."""
    busy = "**The machine was busy with something else: nothing on this page is a score.**\n" if told["busy"] else ""
    calls = round(60_000 * told["plan"]["scale"])
    parts = [
        _HEAD,
        busy,
        f"![Events per second of each contender]({picture})\n",
        "## Figures and goals\n",
        _table(("figure", "result", "goal", "gap"), [(n.figure, n.result, n.goal, n.gap) for n in goals.lines(told)]),
        _refused(told["refused"]),
        _contenders(told),
        _WORKLOAD.format(payments=told["plan"]["payments"], calls=calls),
        _cost(told),
        _freshness(told["freshness"]),
        _reallocation(told.get("reallocation", ())),
        _machine(told),
        _TRIED.read_text(),
        _LIMITS,
    ]
    return "\n".join(part for part in parts if part)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _refused(refused: Mapping[str, str]) -> str:
    return "".join(f"- **No score for {figure}**: {why}\n" for figure, why in refused.items())


def _contenders(told: Mapping[str, Any]) -> str:
    done = goals.samples(told["contest"])
    if not done:
        return ""
    rows = []
    for name in dict.fromkeys(sample.contender for sample in done):
        rate = rates(done, name)
        times = ratios(done, DRAWDOWN, name)
        mine = [sample for sample in done if sample.contender == name]
        failed = sum(not sample.right for sample in mine)
        notes = next((sample.note for sample in reversed(mine) if sample.note), "")
        rows.append(
            (
                name,
                f"{max(sample.events for sample in mine):,}",
                goals.spread(rate) if rate else "no score",
                "" if name == DRAWDOWN or times is None else goals.spread(times, ".2f"),
                told["gives_not"].get(name, ""),
                "; ".join(filter(None, [f"{failed} rounds without score" if failed else "", notes])),
            )
        )
    head = ("contender", "events", "events/s", "Drawdown ÷ it", "what it does not give", "note")
    return "## Contenders\n\nThe same bytes on the same servers, one after the other.\n\n" + _table(head, rows)


def _cost(told: Mapping[str, Any]) -> str:
    runs = goals.our_runs(told)
    if not runs:
        return ""

    def each(*path: str) -> str:
        found = []
        for run in runs:
            value: Any = run
            for step in path:
                value = value.get(step, 0)
            found.append(value / run["events"] * 1e6)
        known = middle(found)
        return f"{known.median:.1f}" if known else ""

    peaks = runs[-1]["cost"]["peak_mib"]
    rows = [
        (name, each("cost", "cpu_seconds", name), f"{peaks[name]:.0f}" if name in peaks else "")
        for name in runs[-1]["cost"]["cpu_seconds"]
    ]
    rows += [
        (f"PostgreSQL for {name}", each("cost", "sessions_cpu_seconds", name), "")
        for name, seconds in runs[-1]["cost"]["sessions_cpu_seconds"].items()
        if seconds / runs[-1]["events"] >= 5e-7
    ]
    rows.append(("the feed", each("feed_cpu_seconds"), ""))
    last = runs[-1]
    emitted = ", ".join(f"`{topic}` {n:.2f}" for topic, n in last["emitted"].items() if n >= 0.005)
    return (
        "## Cost per event\n\n"
        + _table(("process", "CPU µs", "peak MiB"), rows)
        + f"\nWrite-ahead log {last['cost']['wal_bytes'] / last['events']:,.0f} bytes and "
        + f"{last['cost']['fsyncs'] / last['events']:.4f} fsyncs per event. Records emitted per payment: {emitted}.\n"
        + "CPU is user and system time of the process and its children; `postgres` counts every session, which the "
        + "lines below it tell apart.\n"
    )


def _freshness(told: Sequence[Mapping[str, Any]]) -> str:
    if not told:
        return ""
    rows = []
    for one in told:
        shown = [f"{one[name]:.0f}" if one[name] is not None else "—" for name in _PERCENTILES]
        verdict = "yes" if one["held"] else "no"
        rows.append((f"{one['offered_per_second']:,}/s", *shown, f"{one['probes']:,}", verdict))
    return (
        "## Freshness\n\n"
        "From the moment a payment should be published to the moment its fund's total shows it over HTTP, in ms.\n"
        "Arrivals do not wait for anybody; a probe goes out every 40 ms, its fund is looked at about every 10 ms.\n\n"
        + _table(("offered", "p50", "p95", "p99", "max", "probes", "held"), rows)
    )


_PERCENTILES: Final = ("p50_ms", "p95_ms", "p99_ms", "max_ms")


def _reallocation(told: Sequence[Mapping[str, Any]]) -> str:
    if not told:
        return ""
    rows = []
    for one in told:
        offered, reached = one["offered_per_second"], one["reached_per_second"]
        beside = f"{offered:,}/s{'' if one['held'] else ', not held'} ({reached:,.0f} done)" if offered else "nothing"
        rows.append(
            (
                one["operation"],
                f"{one['companies']:,}",
                beside,
                f"{one['times']:,}",
                *(f"{one[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms")),
                *(f"{one[name]:.1f}" for name in ("sql_p50_ms", "sql_p95_ms", "sql_p99_ms")),
                *(f"{one[name] / one[f'sql_{name}']:.2f}" for name in ("p50_ms", "p99_ms")),
            )
        )
    return (
        "## Reallocation\n\n"
        "A fund's reserves, every company named, in ms from the request to the whole answer over HTTP; beside it\n"
        "the same statements with the same rows on the same tables, without service, HTTP or JSON of the answer.\n"
        "Both take turns; each commit is durable, and what it causes elsewhere is mostly over before the next.\n"
        "Afterwards every commit must be one version, and the history must fold to the reserves.\n"
        "Of fewer than a hundred times, p99 is the longest.\n\n"
        + _table(
            (
                *("operation", "companies", "payments beside", "times", "p50", "p95", "p99"),
                *("SQL p50", "SQL p95", "SQL p99", "÷ SQL, p50", "÷ SQL, p99"),
            ),
            rows,
        )
    )


def _machine(told: Mapping[str, Any]) -> str:
    machine = told["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    load = " / ".join(f"{each:.2f}" for each in machine["load"])
    return (
        "## The machine\n\n"
        f"Measured {told['began']}. {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}, {machine['java']}; {versions}.\n"
        f"An fsync takes {machine['fsync_ms']} ms. Load before it began: {load}; "
        f"others had {machine['others_share']:.0%} of the machine.\n"
    )
