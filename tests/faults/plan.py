"""What happens in a campaign, drawn from its seed: which faults in which order, and which crash points how often."""

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from drawdown.addresses import SERVICES
from shared.crashpoint import POINTS, Point

Kind = Literal[
    "kill_one",
    "kill_some",
    "kill_all",
    "kill_postmaster",
    "kill_backend",
    "kill_broker",
    "shut_database_down",
    "end_session",
    "freeze_service",
    "freeze_broker",
    "hold_lock",
    "move_clock",
    "rebuild",
    "harm_network",
]

WEIGHTS: Final[Mapping[Kind, int]] = {
    "kill_one": 52,
    "kill_some": 10,
    "kill_all": 1,
    "kill_postmaster": 4,
    "kill_backend": 9,
    "kill_broker": 3,
    "shut_database_down": 3,
    "end_session": 4,
    "freeze_service": 5,
    "freeze_broker": 1,
    "hold_lock": 2,
    "move_clock": 3,
    "rebuild": 1,
    "harm_network": 10,
}

COMMANDS: Final[frozenset[Point]] = frozenset({"metrics.rebuild_copied", "metrics.rebuild_swapped"})
AT_REBALANCE: Final[Point] = "rebalance.revoked"
# Passed once in a while only: armed for their first arrival.
_RARE: Final[frozenset[Point]] = frozenset(
    {
        "payments.held_decided_again",
        "payments.statuses_saved",
        "allocations.due_calls_issued",
        "reserves.schedule_ended",
    }
)

_HOMES: Final = {"statements": "payments", "reserves": "allocations"}  # houses inside a service


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: after a wait, to the first of `order` that can suffer it. `chance` decides what else there is to."""

    number: int
    kind: Kind
    wait_seconds: float
    order: tuple[str, ...]
    chance: int


def steps(seed: str, *, copies: int, without: Collection[Kind] = ()) -> Iterator[Step]:
    """Faults without end, of all kinds but some. `copies` of each service run."""
    chance = random.Random(seed)
    weights = {kind: weight for kind, weight in WEIGHTS.items() if kind not in without}
    everybody = [f"{service}-{number}" for service in SERVICES for number in range(1, copies + 1)]
    number = 0
    while True:
        number += 1
        kind = chance.choices(list(weights), list(weights.values()))[0]
        order = tuple(chance.sample(everybody, len(everybody)))
        yield Step(number, kind, chance.uniform(0.05, 0.7), order, chance.randrange(2**32))


def hosts(point: Point) -> tuple[str, ...]:
    """The services in which a point is met."""
    room = point.partition(".")[0]
    if room in {"batch", "rebalance"}:
        return SERVICES
    if room in {"http", "relay"}:
        return ("allocations", "payments")
    return (_HOMES.get(room, room),)


def arrivals(seed: str, hits: int) -> dict[str, list[tuple[Point, int]]]:
    """By service, which point is to be met next and at which arrival, so that each is met `hits` times in all.

    Those of commands stand under ``commands``, those that need a rebalance under ``rebalances``.
    """
    chance = random.Random(seed)
    found: dict[str, list[tuple[Point, int]]] = {name: [] for name in (*SERVICES, "commands", "rebalances")}
    for place, point in enumerate(POINTS):
        for hit in range(place, place + hits):  # so that points which all services pass are not all met in one of them
            nth = 1 if point in _RARE or hits == 1 else chance.randint(1, 3 if point.startswith("statements") else 7)
            if point in COMMANDS:
                found["commands"].append((point, 1))
            elif point == AT_REBALANCE:
                found["rebalances"].append((point, 2))  # the first arrival is the start's own
            else:
                found[hosts(point)[hit % len(hosts(point))]].append((point, nth))
    for queue in found.values():
        chance.shuffle(queue)
    return found
