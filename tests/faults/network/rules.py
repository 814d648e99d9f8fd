"""What a proxy may do to the traffic that passes it, as data, and which rule meets a message."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["up", "down"]  # up is towards the server
Kind = Literal[
    "delay",  # each chunk waits for up to `milliseconds`
    "slice",  # each chunk passes in pieces of `size_bytes`
    "stall",  # nothing passes until the rule is lifted; connections stay open
    "refuse",  # new connections are reset at once
    "cut_after",  # a connection is reset when up to `size_bytes` (drawn for each) have passed
    "lose",  # the message is not passed on, and the connection is reset: nothing was done, and nobody says so
    "swallow",  # the message is passed on, its answer is not, and the connection is reset: it was done, nobody says so
    "mute",  # like swallow, but the connection stays open, and says nothing more
    "hold",  # the message waits for `milliseconds` (0: until the rule is lifted) before it is passed on
]


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault. `message` names what a message is: the first word of a statement (``COMMIT``), or a request of Kafka's
    protocol (``produce``). `who` must occur in the name that the client gives itself; `times` 0 means without end."""

    kind: Kind
    message: str = ""
    who: str = ""
    direction: Direction | None = None  # None: both
    chance: float = 1.0
    times: int = 0
    milliseconds: int = 0
    size_bytes: int = 0


@dataclass(slots=True)
class Armed:
    """A rule in force: how often it may still strike, and when it is lifted, which also ends what it holds back."""

    rule: Rule
    left: int | None  # None: without end
    lifted: asyncio.Event = field(default_factory=asyncio.Event)


class Rules:
    """The rules in force at one proxy, and how often each kind of fault really happened."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self._armed: dict[int, Armed] = {}
        self._number = 0

    def arm(self, rule: Rule) -> int:
        """Puts a rule in force; its number, to lift it by."""
        self._number += 1
        self._armed[self._number] = Armed(rule, rule.times or None)
        return self._number

    def lift(self, number: int | None = None) -> None:
        """Takes one rule away, or all; what they held back goes on."""
        for each in [number] if number is not None else list(self._armed):
            armed = self._armed.pop(each, None)
            if armed is not None:
                armed.lifted.set()

    def spend(self) -> None:
        """No rule strikes any more; what they hold back stays so until they are lifted."""
        for armed in self._armed.values():
            armed.left = 0

    def met(
        self, *kinds: Kind, who: str, direction: Direction | None = None, message: str | None = None
    ) -> Iterator[Armed]:
        """The rules of these kinds that strike here, now; each is counted."""
        for armed in list(self._armed.values()):
            rule = armed.rule
            if armed.left == 0 or rule.kind not in kinds or rule.who not in who:
                continue
            if direction is not None and rule.direction not in {None, direction}:
                continue
            if message is not None and rule.message != message:
                continue
            if self.chance.random() >= rule.chance:
                continue
            self.counts[f"{rule.kind} {message or direction or ''}".strip()] += 1
            if armed.left is not None:
                armed.left -= 1
            yield armed
