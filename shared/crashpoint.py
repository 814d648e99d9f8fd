"""Named places where a process may be made to die: compiled in always, and nothing at all until one is armed.

``DRAWDOWN_CRASHPOINT=name:nth`` arms one of them for the life of a process: at its nth arrival there the process kills
itself by SIGKILL, which nobody can handle. ``make faults`` arms each of them, again and again, under load.
"""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias, get_args

Point: TypeAlias = Literal[
    "batch.polled",
    "batch.positions_advanced",
    "batch.applied",
    "batch.commit_sent",
    "batch.committed",
    "rebalance.revoked",
    "payments.identities_looked_up",
    "payments.rows_locked",
    "payments.payments_saved",
    "payments.calls_saved",
    "payments.events_added",
    "payments.held_decided_again",
    "payments.statuses_saved",
    "statements.slice_added",
    "allocations.rows_locked",
    "allocations.reports_saved",
    "allocations.events_added",
    "allocations.due_calls_issued",
    "reserves.rows_locked",
    "reserves.rows_saved",
    "reserves.audits_added",
    "reserves.schedule_ended",
    "metrics.fold_written",
    "metrics.rebuild_copied",
    "metrics.rebuild_swapped",
    "audit.entries_added",
    "audit.heads_moved",
    "http.effect_done",
    "http.commit_sent",
    "http.committed",
    "relay.rows_read",
    "relay.sent",
    "relay.acknowledged",
    "relay.deleted",
]

POINTS: Final[Mapping[Point, str]] = {
    "batch.polled": "a batch was taken from Kafka, and no transaction begun",
    "batch.positions_advanced": "the positions are moved on, and nothing behind them is done yet",
    "batch.applied": "all of a batch is written, and COMMIT not sent",
    "batch.commit_sent": "COMMIT is on the wire, and its answer unread",
    "batch.committed": "the batch is committed, and Kafka's mirror of the positions behind",
    "rebalance.revoked": "partitions are taken away, perhaps in the middle of a batch",
    "payments.identities_looked_up": "it is known which entries of a batch are new",
    "payments.rows_locked": "payments and calls are locked, nothing is written",
    "payments.payments_saved": "payments stand without their postings",
    "payments.calls_saved": "money is written whole, and nobody is told",
    "payments.events_added": "the outbox holds what is told, in the open transaction",
    "payments.held_decided_again": "in the middle of the sweep, a slice of held money is decided again",
    "payments.statuses_saved": "in the middle of the calendar's tick, calls have the status of their day",
    "statements.slice_added": "a slice of a bank file's entries is kept and told, others are not",
    "allocations.rows_locked": "calls and allocations are locked, nothing is written",
    "allocations.reports_saved": "calls know what payments reported, allocations do not",
    "allocations.events_added": "the outbox holds what is told, in the open transaction",
    "allocations.due_calls_issued": "in the middle of the clock's tick, a slice of calls is issued",
    "reserves.rows_locked": "a fund's reserves are locked, nothing is written",
    "reserves.rows_saved": "reserves have their new amounts and version, and no history tells of it",
    "reserves.audits_added": "the history tells of new reserves, and nobody is told",
    "reserves.schedule_ended": "a scheduled reallocation is done, told and ended, in the open transaction",
    "metrics.fold_written": "the read model is as new as the batch, in the open transaction",
    "metrics.rebuild_copied": "the tables beside the live ones hold the whole replay",
    "metrics.rebuild_swapped": "the live tables are changed over, and COMMIT not sent",
    "audit.entries_added": "entries stand behind the chains' heads",
    "audit.heads_moved": "entries and heads agree, in the open transaction",
    "http.effect_done": "a request's effect, answer and audit are written, and COMMIT not sent",
    "http.commit_sent": "a request's COMMIT is on the wire, and its answer unread",
    "http.committed": "a request is committed, and its caller has no answer",
    "relay.rows_read": "events were read from the outbox, and none is sent",
    "relay.sent": "events are handed to the producer, and Kafka has acknowledged nothing to us",
    "relay.acknowledged": "Kafka has acknowledged events that still stand in the outbox",
    "relay.deleted": "the events are gone from the outbox",
}

# Armed there, the process lives on for so many turns of its event loop: what it writes next, a COMMIT without a pause
# or a request by the producer's own task, has then left it. Turns with nothing to wait for are far quicker than any
# answer, and what an answer would wake stands behind us in the queue.
_TURNS: Final[Mapping[str, int]] = {"batch.commit_sent": 1, "http.commit_sent": 1, "relay.sent": 8}

VARIABLE: Final = "DRAWDOWN_CRASHPOINT"


def _nothing(_name: Point, /) -> None:
    """What every crash point is in a process that is not armed."""


def armed(text: str) -> Callable[[Point], None]:
    """The crash points of a process with ``name:nth`` in its environment; raises ValueError for any other name."""
    wanted, _, nth = text.partition(":")
    if wanted not in get_args(Point):
        raise ValueError(f"{VARIABLE}: there is no crash point {wanted!r}; there are {', '.join(POINTS)}")
    last = int(nth or 1)
    arrivals = itertools.count(1)

    def crash(name: Point, /) -> None:
        if name != wanted or next(arrivals) != last:
            return
        _die(name, _TURNS.get(name, 0))

    return crash


def _die(name: str, turns: int) -> None:
    if turns:
        asyncio.get_running_loop().call_soon(_die, name, turns - 1)
        return
    os.write(2, f'{{"event": "crash point reached", "point": "{name}"}}\n'.encode())
    os.kill(os.getpid(), signal.SIGKILL)


crashpoint: Final = armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _nothing
