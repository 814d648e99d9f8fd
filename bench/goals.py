"""The figures beside their goals, with the gap in words; from the report's JSON, so a report can be written anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.rounds import DRAWDOWN, Middle, Sample, middle, rates, ratios

NOT_MEASURED: Final = "not measured"

# Names of contenders as they call themselves, and how many times as fast as each we want to be.
_BESIDE: Final = (
    ("naive FastStream", 100.0),
    ("Kafka Streams, exactly once", 1.0),
    ("QuixStreams, exactly once", 2.0),
    ("the SQL limit", 0.3),
)
# Companies of a fund, and how many milliseconds a preview and a commit may take; 5,000 are more than was promised.
_RESERVES: Final[Mapping[int, tuple[float, float] | None]] = {50: (30, 60), 5_000: None}
# Rows of a sheet, and how many seconds until every total is right.
_IMPORTS: Final[Mapping[int, float]] = {50_000: 0.8, 1_000_000: 10}
_UNMEASURED: Final = (("memory over an hour", "not by the benchmark yet", "flat"),)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the table: what, how it came out, what it should be, and how far that is."""

    figure: str
    result: str
    goal: str
    gap: str


def samples(told: Sequence[Mapping[str, Any]]) -> list[Sample]:
    """The samples of a report; a time that was none is infinite again."""
    return [Sample(**{**one, "seconds": one["seconds"] or float("inf")}) for one in told]


def lines(told: Mapping[str, Any]) -> list[Line]:
    """Every figure that has a goal, measured or not."""
    return [
        *_contest(samples(told["contest"])),
        *_freshness(told["freshness"]),
        *_catch_up(told["catch_up"]),
        *_growth(told["growth"]),
        *_variants(samples(told["variants"])),
        *_reads(told["reads"]),
        *_reallocation(told.get("reallocation", ())),
        *_imports(told.get("imported", ())),
        *_cost(our_runs(told)),
        *(Line(what, f"not measured: {why}", goal, "—") for what, why, goal in _UNMEASURED),
    ]


def our_runs(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The runs that count for the cost: of the contest, right, and none that only warmed up."""
    size = told["plan"]["payments"]
    runs = [run for run in told["runs"] if run["events"] == size and not any(gate["wrong"] for gate in run["gates"])]
    return runs[1:] or runs


def gap(value: float, goal: float, *, more_is_better: bool) -> str:
    """How far a value is from its goal, in words."""
    factor = value / goal if more_is_better else goal / value
    if factor >= 1.15:
        return f"reached, {factor:.2g}× better"
    if factor >= 1:
        return "reached"
    return f"missed by {1 - factor:.0%}" if factor > 0.5 else f"missed, {1 / factor:.2g}× away"


def spread(found: Middle, form: str = ",.0f") -> str:
    """The median with what it lay between."""
    if found.rounds == 1:
        return f"{found.median:{form}} (one round)"
    return f"{found.median:{form}} ({found.least:{form}}–{found.most:{form}}, {found.rounds} rounds)"


def _line(figure: str, found: Middle | None, goal: str, wanted: float, *, more: bool, form: str, unit: str) -> Line:
    if found is None:
        return Line(figure, NOT_MEASURED, goal, "—")
    return Line(figure, f"{spread(found, form)}{unit}", goal, gap(found.median, wanted, more_is_better=more))


def _contest(done: Sequence[Sample]) -> list[Line]:
    first = _line(
        "end-to-end throughput",
        rates(done, DRAWDOWN),
        "40,000 events/s",
        40_000,
        more=True,
        form=",.0f",
        unit=" events/s",
    )
    beside = [
        _line(f"÷ {name}", ratios(done, DRAWDOWN, name), f"≥ {wanted:g}", wanted, more=True, form=".2f", unit="")
        for name, wanted in _BESIDE
    ]
    return [first, *beside]


def _freshness(told: Sequence[Mapping[str, Any]]) -> list[Line]:
    figure = "freshness at 5,000/s, p50 / p99"
    for one in told:
        if one["offered_per_second"] == 5_000 and one["p99_ms"] is not None:
            verdict = gap(one["p99_ms"], 50, more_is_better=False) + " (p99)"
            held = "" if one["held"] and not one["lost"] else ", rate not held"
            return [Line(figure, f"{one['p50_ms']:.0f} / {one['p99_ms']:.0f} ms{held}", "20 / 50 ms", verdict)]
    return [Line(figure, NOT_MEASURED, "20 / 50 ms", "—")]


def _catch_up(told: Sequence[Mapping[str, Any]]) -> list[Line]:
    figure = "catch-up of 1,000,000 waiting events beside 1,000/s"
    whole = [one for one in told if one["waiting"] >= 1_000_000]
    if whole:
        return [
            _line(figure, middle(o["seconds"] for o in whole), "25 s", 25, more=False, form=".1f", unit=" s"),
        ]
    result = NOT_MEASURED
    if told:
        result = f"{told[0]['waiting']:,} only: {told[0]['seconds']:.1f} s, start of the services included"
    return [Line(figure, result, "25 s", "—")]


def _growth(told: Sequence[Mapping[str, Any]]) -> list[Line]:
    found = []
    for wanted in (1_000_000, 10_000_000):
        figure = f"throughput kept with {wanted:,} stored payments"
        near = [one for one in told if one["stored"] >= wanted and (one["stored"] < 5 * wanted)]
        if near:
            verdict = gap(_kept(near[0]), 0.95, more_is_better=True)
            found.append(Line(figure, _grown(near[0]), "≥ 95 %", verdict))
        else:
            less = [f"with {one['stored']:,} only: {_grown(one)}" for one in told if one["stored"] < wanted]
            found.append(Line(figure, less[-1] if less else NOT_MEASURED, "≥ 95 %", "—"))
    return found


def _kept(one: Mapping[str, Any]) -> float:
    before, after = one["before"], one["after"]
    return float(after["events"] / after["seconds"] / (before["events"] / before["seconds"]))


def _grown(one: Mapping[str, Any]) -> str:
    return f"{_kept(one):.0%}; memory of the services {one['before_mib']:.0f} → {one['after_mib']:.0f} MiB"


def _variants(done: Sequence[Sample]) -> list[Line]:
    skew = ratios(done, "skewed", "uniform")
    ids = ratios(done, "random ids", "rising ids")
    return [
        _line("skewed ÷ uniform", skew, "≥ 0.8", 0.8, more=True, form=".2f", unit=""),
        Line("random ids ÷ rising ids", spread(ids, ".2f") if ids else NOT_MEASURED, "—", "—"),
    ]


def _reads(told: Sequence[Mapping[str, Any]]) -> list[Line]:
    if not told:
        return [Line("reads, p99", NOT_MEASURED, "20 ms at 1,000,000 calls, no table read whole", "—")]
    found = []
    for one in told:
        whole = f"; READ WHOLE: {', '.join(one['read_whole'])}" if one["read_whole"] else ""
        found.append(
            Line(
                f"{one['page']}, p99 at {one['calls']:,} calls",
                f"{one['p99_ms']:.1f} ms{whole}",
                "20 ms",
                gap(one["p99_ms"], 20, more_is_better=False),
            )
        )
    return found


def _reallocation(told: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Each size at rest and beside each rate, preview and commit in one line."""
    found = []
    for companies, goal in _RESERVES.items():
        figure = f"reallocation, preview / commit of {companies:,} companies, p99"
        mine = [one for one in told if one["companies"] == companies]
        if not mine:
            found.append(Line(figure, NOT_MEASURED, _reserve_goal(goal), "—"))
        for rate in dict.fromkeys(one["offered_per_second"] for one in mine):
            both = {one["operation"]: one for one in mine if one["offered_per_second"] == rate}
            found.append(_reallocated(figure, both["preview"], both["commit"], goal))
    return found


def _reserve_goal(goal: tuple[float, float] | None) -> str:
    return f"{goal[0]:g} / {goal[1]:g} ms, also beside 10,000/s" if goal else "—"


def _reallocated(
    figure: str, preview: Mapping[str, Any], commit: Mapping[str, Any], goal: tuple[float, float] | None
) -> Line:
    rate, held = preview["offered_per_second"], preview["held"] and commit["held"]
    beside = f"beside {rate:,} payments/s" if rate else "at rest"
    if not held:
        beside += f", {preview['reached_per_second']:,.0f}/s reached"
    times = [one["p50_ms"] / one["sql_p50_ms"] for one in (preview, commit)]
    result = (
        f"{preview['p99_ms']:.1f} / {commit['p99_ms']:.1f} ms ({times[0]:.1f} / {times[1]:.1f} × the bare SQL, p50)"
    )
    verdict = "—"
    if goal:
        each = [gap(one["p99_ms"], ms, more_is_better=False) for one, ms in zip((preview, commit), goal, strict=True)]
        verdict = " / ".join(each)
    return Line(f"{figure}, {beside}", result, _reserve_goal(goal), verdict)


def _imports(told: Sequence[Mapping[str, Any]]) -> list[Line]:
    found = []
    for rows, goal in _IMPORTS.items():
        seconds = middle(one["seconds"] for one in told if one["rows"] == rows)
        figure = f"history import of {rows:,} rows, until every total is right"
        found.append(_line(figure, seconds, f"{goal:g} s", goal, more=False, form=".1f", unit=" s"))
    return found


def _cost(runs: Sequence[Mapping[str, Any]]) -> list[Line]:
    cpu = middle(sum(run["cost"]["cpu_seconds"].values()) / run["events"] * 1e6 for run in runs)
    fsyncs = middle(run["cost"]["fsyncs"] / run["events"] for run in runs)
    memory = middle(
        sum(mib for name, mib in run["cost"]["peak_mib"].items() if name not in {"kafka", "postgres"}) for run in runs
    )
    return [
        _line("CPU per event, all processes", cpu, "≤ 45 µs", 45, more=False, form=".0f", unit=" µs"),
        _line("fsyncs per event", fsyncs, "≤ 0.002", 0.002, more=False, form=".4f", unit=""),
        _line("peak memory of the four services", memory, "400 MB", 381, more=False, form=".0f", unit=" MiB"),
    ]
