"""One run for the terminal."""

from rich.console import Console
from rich.table import Table

from bench.throughput import Run


def run(console: Console, done: Run) -> None:
    """One throughput run and its cost per event."""
    console.print(
        f"{done.workload}: {done.rate:,.0f} events/s ({done.events:,} in {done.seconds:.2f} s; "
        f"the feed took {done.feed_seconds:.1f} s; {done.early:,} came before their call; "
        f"others had {done.others_share:.0%} of the machine)"
    )
    cost = Table("process", "CPU µs/event", "peak MiB", box=None)
    for column in cost.columns[1:]:
        column.justify = "right"
    for name, seconds in done.cost.cpu_seconds.items():
        peak = done.cost.peak_mib.get(name)
        cost.add_row(name, f"{done.each(seconds) * 1e6:.1f}", "" if peak is None else f"{peak:.0f}")
    cost.add_row("in all", f"{done.each(sum(done.cost.cpu_seconds.values())) * 1e6:.1f}", "")
    cost.add_row("feed, not in it", f"{done.each(done.feed_cpu_seconds) * 1e6:.1f}", "")
    for name, seconds in done.cost.sessions_cpu_seconds.items():
        if done.each(seconds) * 1e6 >= 0.1:
            cost.add_row(f"  postgres: {name}", f"{done.each(seconds) * 1e6:.1f}", "")
    console.print(cost)
    emitted = ", ".join(f"{topic} {each:.2f}" for topic, each in done.emitted.items())
    console.print(
        f"per event: WAL {done.each(done.cost.wal_bytes):,.0f} B, fsyncs {done.each(done.cost.fsyncs):.4f}; "
        f"emitted per payment: {emitted}"
    )
