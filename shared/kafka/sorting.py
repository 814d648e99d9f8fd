"""Sorts the records of a batch into events that can be read and letters that cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.contracts.base import Contract, Unreadable, decode
from shared.dead_letters import DeadLetter
from shared.kafka.records import Arrival

C = TypeVar("C", bound=Contract)


@dataclass(slots=True)
class Sorted:
    """The events of a batch by topic, in the order they came, and what could not be read."""

    events: dict[str, list[tuple[Arrival, Contract]]] = field(default_factory=dict)
    unreadable: list[DeadLetter] = field(default_factory=list)

    def of(self, topic: str, contract: type[C]) -> list[tuple[Arrival, C]]:
        """The events of one topic, which `sort_out` has read as `contract`."""
        return [(arrival, event) for arrival, event in self.events.get(topic, []) if isinstance(event, contract)]


def sort_out(arrivals: Sequence[Arrival], contracts: Mapping[str, type[Contract]]) -> Sorted:
    """Reads each record by its topic's contract; one bad record never stands in the way of the next."""
    done = Sorted()
    for arrival in arrivals:
        try:
            event = decode(contracts[arrival.topic], arrival.data)
        except Unreadable as problem:
            done.unreadable.append(DeadLetter(arrival, problem.reason, problem.detail))
        else:
            done.events.setdefault(arrival.topic, []).append((arrival, event))
    return done
