"""The workload: a seed gives one file of bank entries, whose outcome does not depend on the order they are read in.

Each call's credits sum to at most its amount, over-payments are larger than their whole call (so they are held whole,
whenever they come), reversals take back whole credits once, contradictions follow what they contradict under the same
key. `bench.model` checks these promises on every file.
"""

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal

from bench import book as books
from bench import frames, model
from bench.book import Book
from bench.contender import Workload
from bench.frames import Frame
from bench.model import BookedCall, Expected
from drawdown.localstack.cache import one_at_a_time

# Shares of all records; the rest are credits that are booked and applied.
NEAR_DUPLICATES: Final = 0.03  # within 2,000 records
FAR_DUPLICATES: Final = 0.015  # anywhere behind the first
CONFLICTS: Final = 0.005  # the same identity, another amount
OVER_PAYMENTS: Final = 0.02
REVERSALS: Final = 0.005
POISON: Final = 0.0001
OUT_OF_ORDER: Final = 0.05  # delayed by up to 10,000 records
LATE: Final = 0.01  # pay a call that is not known yet
LATE_UNTIL: Final = 0.4  # of the file: all of these come before; their calls are made known after it
EXACT: Final = 0.4  # of the calls are paid to the cent

_HOT_PAYMENTS, _HOT_CALLS, _HOT_FUND = 0.3, 0.01, 0.5
_FIRST_DAY: Final = date(2025, 1, 2)
_DAYS: Final = 240

Spread = Literal["zipf", "uniform", "skew"]
Ids = Literal["rising", "random"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a workload is made from. `scale` is the book's (1: 60,000 calls); of one scale there is one book, whatever
    the other settings.

    Several workloads can pay one book, each its part of every call, as the `part`-th `of` so many.
    """

    payments: int = 1_000_000
    seed: int = 1
    scale: float = 1.0
    spread: Spread = "zipf"
    ids: Ids = "rising"
    part: int = 1
    of: int = 1

    @property
    def name(self) -> str:
        part = "" if self.of == 1 else f"-part{self.part}of{self.of}"
        return f"{self.payments}-{self.spread}-{self.ids}-book{self.scale:g}-seed{self.seed}{part}"


def prepare(recipe: Recipe, folder: Path) -> Workload:
    """The workload of this recipe, below `folder`; made once, and again where its makers changed since."""
    makers = b"".join(Path(str(module.__file__)).read_bytes() for module in (books, frames, model))
    made_by = hashlib.sha256(makers + Path(__file__).read_bytes()).hexdigest()[:12]
    home = folder / f"{recipe.name}-{made_by}"
    told = home / "expected.json"
    folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder, recipe.name):
        if not told.exists():
            _write(recipe, home, told)
    return Workload(
        home, recipe.payments, Expected.from_json(json.loads(told.read_text())["expected"]), name=recipe.name
    )


def _write(recipe: Recipe, home: Path, told: Path) -> None:
    home.mkdir(exist_ok=True)
    book = books.make(scale=recipe.scale)
    books.write(book, home)
    frames.write(home / "events.bin", events(recipe, book))
    expected = model.run(frames.read(home / "events.bin"), book.calls)
    draft = told.with_suffix(".new")
    draft.write_text(json.dumps({"recipe": asdict(recipe), "expected": expected.to_json()}))
    draft.replace(told)


def events(recipe: Recipe, book: Book) -> Iterator[Frame]:
    """The records in sending order."""
    maker = _Maker(recipe, book)
    maker.make()
    return maker.in_order()


@dataclass(slots=True)
class _Entry:
    """One bank entry before it is written. `place` is where it stands in the file, if nothing delays it."""

    place: float
    call: BookedCall
    amount: int
    kind: str = "credit"
    original: "_Entry | None" = None
    payment_id: str = ""
    value: bytes = b""


@dataclass(slots=True)
class _Maker:
    recipe: Recipe
    book: Book
    chance: random.Random = field(init=False)
    entries: list[_Entry] = field(default_factory=list)
    extra: list[tuple[float, bytes, bytes]] = field(default_factory=list)  # place, key, value

    def __post_init__(self) -> None:
        self.chance = random.Random(f"events {self.recipe}")

    def share(self, part: float) -> int:
        return max(round(self.recipe.payments * part), 1)

    def make(self) -> None:
        again = self.share(NEAR_DUPLICATES), self.share(FAR_DUPLICATES), self.share(CONFLICTS), self.share(POISON)
        over, reversals = self.share(OVER_PAYMENTS), self.share(REVERSALS)
        self._credits(self.recipe.payments - sum(again) - over - reversals)
        self._reversals(reversals)
        self._over_payments(over)
        self.entries.sort(key=lambda entry: entry.place)
        self._number()
        self._delay()
        for entry in self.entries:
            entry.value = self._written(entry, entry.amount)
        self._again(*again)

    def in_order(self) -> Iterator[Frame]:
        told = [(entry.place, _key(entry), entry.value) for entry in self.entries]
        told += self.extra
        told.sort(key=lambda record: record[0])
        return ((key, value) for _, key, value in told)

    # ---- money

    def _credits(self, count: int) -> None:
        """Credits over the calls, by the recipe's spread; each call is paid to the cent, or in part."""
        late = self.share(LATE)
        chosen = [*self._choose(count - late), *self.chance.choices([c for c in self.book.paid if c.late], k=late)]
        by_call: dict[int, list[BookedCall]] = defaultdict(list)
        for call in chosen:
            by_call[call.id].append(call)
        for same in by_call.values():
            call = same[0]
            for part in self._parts(call.amount_minor // self.recipe.of, len(same)):
                until = LATE_UNTIL if call.late else 1
                self.entries.append(_Entry(self.chance.random() * until * self.recipe.payments, call, part))

    def _choose(self, count: int) -> list[BookedCall]:
        """The call of each credit."""
        known = [call for call in self.book.paid if not call.late]
        if self.recipe.spread == "uniform":
            return self.chance.choices(known, k=count)
        if self.recipe.spread == "skew":
            return self._skewed(known, count)
        # By rank of the allocation, dealt out by chance: hot ones are of every fund and age.
        ranks = sorted({call.allocation_id for call in known})
        self.chance.shuffle(ranks)
        weight = dict(zip(ranks, books.zipf(len(ranks)), strict=True))
        return self.chance.choices(known, [weight[call.allocation_id] for call in known], k=count)

    def _skewed(self, known: Sequence[BookedCall], count: int) -> list[BookedCall]:
        """30 % of the payments on 1 % of the calls, and half of them all on one fund."""
        first, others = [c for c in known if c.fund_id == 1], [c for c in known if c.fund_id != 1]
        hot_each = max(round(len(known) * _HOT_CALLS / 2), 1)
        hot = [*self.chance.sample(first, hot_each), *self.chance.sample(others, hot_each)]
        on_hot, on_first = round(count * _HOT_PAYMENTS), round(count * (1 - _HOT_PAYMENTS) * _HOT_FUND)
        return [
            *self.chance.choices(hot, k=on_hot),
            *self.chance.choices(first, k=on_first),
            *self.chance.choices(others, k=count - on_hot - on_first),
        ]

    def _parts(self, amount: int, count: int) -> list[int]:
        """`count` amounts above zero that sum to the call's amount, or to less."""
        whole = amount if self.chance.random() < EXACT else self.chance.randrange(max(count, amount // 10), amount)
        cuts = sorted(self.chance.sample(range(1, whole), count - 1))
        return [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]

    def _reversals(self, count: int) -> None:
        """Whole credits taken back, each once; mostly behind their original."""
        reach = self.recipe.payments / 10
        for original in self.chance.sample(self.entries, count):
            place = original.place + 1 + self.chance.random() * reach
            self.entries.append(_Entry(place, original.call, original.amount, "reversal", original))

    def _over_payments(self, count: int) -> None:
        """Each is larger than its whole call."""
        for call in self.chance.choices([call for call in self.book.paid if not call.late], k=count):
            amount = call.amount_minor + self.chance.randrange(1, 10_000_00)
            self.entries.append(_Entry(self.chance.random() * self.recipe.payments, call, amount))

    # ---- identity, order

    def _number(self) -> None:
        """Ids as the banks give them: rising with time on each account, or random ones of the same length."""
        given: dict[int, int] = defaultdict(int)
        for entry in self.entries:
            account = entry.call.fund_id
            given[account] += 1
            if self.recipe.ids == "rising":
                entry.payment_id = f"{_day(entry.place / self.recipe.payments):%Y%m%d}{given[account]:08d}"
            else:
                entry.payment_id = f"{self.chance.getrandbits(64):016x}"

    def _delay(self) -> None:
        """Some come later than the bank numbered them. Those of late calls stay ahead of their calls."""
        reach = min(10_000, self.recipe.payments / 20)
        movable = [entry for entry in self.entries if not entry.call.late]
        for entry in self.chance.sample(movable, self.share(OUT_OF_ORDER)):
            entry.place += 1 + self.chance.random() * reach

    def _again(self, near: int, far: int, conflicts: int, poison: int) -> None:
        """Duplicates, contradictions behind what they contradict, and what nobody can read."""
        total = self.recipe.payments
        for entry in self.chance.sample(self.entries, near):
            self.extra.append((entry.place + 1 + self.chance.random() * 2_000, _key(entry), entry.value))
        for entry in self.chance.sample(self.entries, far):
            ahead = max(total - entry.place, 1)
            self.extra.append((entry.place + 1 + self.chance.random() * ahead, _key(entry), entry.value))
        credits = [entry for entry in self.entries if entry.kind == "credit"]
        for entry in self.chance.sample(credits, conflicts):
            other = self._written(entry, entry.amount + 1)
            self.extra.append((entry.place + 1 + self.chance.random() * 2_000, _key(entry), other))
        for n, entry in enumerate(self.chance.sample(self.entries, poison)):
            self.extra.append((self.chance.random() * total, _key(entry), _POISON[n % len(_POISON)](entry.value)))

    def _written(self, entry: _Entry, amount: int) -> bytes:
        call, day = entry.call, _day(entry.place / self.recipe.payments)
        reverses = f'"reverses":"{entry.original.payment_id}",' if entry.original else ""
        return (
            f'{{"source":"bank/northern-{self.recipe.part}-{call.fund_id:03d}","payment_id":"{entry.payment_id}","kind":"{entry.kind}",'
            f'{reverses}"amount":"{amount // 100}.{amount % 100:02d}","currency":"USD","value_date":"{day}",'
            f'"call_id":{call.id},"reference":"{_reference(call.id)}",'
            f'"remitter":{{"name":"Partner {call.allocation_id % 997:03d}","account":"US64NRTH{call.id:010d}"}},'
            f'"booked_at":"{day}T16:30:00Z"}}'
        ).encode()


_POISON: Final = (
    lambda value: value[:-20],  # cut short
    lambda value: value.replace(b'"amount":"', b'"amount":"-'),
    lambda value: b"\xff\xfe" + value[:40],
    lambda value: value.replace(b'"currency":"USD",', b""),
    lambda _value: b"[]",
    lambda value: value.replace(b'"amount":"', b'"amount":"1e'),
)


def _key(entry: _Entry) -> bytes:
    return str(entry.call.id).encode()


def _day(progress: float) -> date:
    return _FIRST_DAY + timedelta(days=int(progress * _DAYS))


def _reference(call_id: int) -> str:
    """ISO 11649: the check digits make the whole, letters as numbers and RF00 put last, leave 1 when divided by 97."""
    return f"RF{98 - int(f'13{call_id:010d}271500') % 97:02d}D{call_id:010d}"
