"""What happens in every scenario: funds, calls and a bank's feed with everything that makes banks hard, from a seed."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from shared.clock import business_date, clock_of
from tests.faults.network.load import Load, open_calls
from tests.faults.seeded.stage import Found, Stage
from tests.support.desk import Desk
from tests.support.history import OpenCall, history

Line = Mapping[str, Any]

_EAST: Final = "Pacific/Kiritimati"  # 14 hours before UTC: tomorrow there from 10:00 on
_WEST: Final = "Etc/GMT+12"  # 12 hours behind UTC: yesterday there until 12:00


@dataclass(slots=True)
class Story:
    """What is to be sent, and what was: lines of a history as `drawdown check` wants them."""

    stage: Stage
    seed: int
    calls: list[OpenCall] = field(default_factory=list)
    history: list[Line] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return Desk(self.stage)

    def open(self, *, allocations: int = 2, calls: int = 5) -> None:
        """Makes the calls that the feed will pay."""
        self.calls = open_calls(self.desk, allocations=allocations, calls=calls)
        self.stage.settle()

    def feed(self, payments: int) -> list[tuple[str, str | None, bytes]]:
        """Records of the bank: paid, split, doubled, reversed, over-paid and unreadable, each entry noted as sent.

        A tenth of them comes once more near its first copy, so that some batch holds both.
        """
        chance = random.Random(self.seed)
        past = history(self.calls, payments=payments, seed=self.seed, source=f"bank/story-{self.seed}")
        records = [("payment.received", key.decode(), value) for key, value in past.records]
        for place in sorted(chance.sample(range(len(records)), len(records) // 10), reverse=True):
            records.insert(place + chance.randrange(1, 5), records[place])
        self.note(records)
        return [(topic, key, value) for topic, key, value in records]

    def note(self, records: Sequence[tuple[str, str, bytes]]) -> None:
        """These records are acknowledged by the time that anybody judges."""
        for _, _, value in records:
            try:
                entry = json.loads(value)
            except ValueError:
                continue
            self.history.append({"source": entry["source"], "payment_id": entry["payment_id"], "acked": True})

    def send(self, *entries: Mapping[str, Any], key: str = "story") -> None:
        """Publishes entries of the bank, in this order."""
        records = [("payment.received", key, json.dumps(entry).encode()) for entry in entries]
        self.stage.publish_all(records)
        self.note(records)

    def load(self, payments: int, writes: int) -> Load:
        """The feed, and people who write meanwhile; `note_answers` when it is over."""
        last = self.calls.pop()
        past = history(self.calls, payments=payments, seed=self.seed, source=f"bank/story-{self.seed}")
        self.note([("payment.received", key.decode(), value) for key, value in past.records])
        return Load(self.stage, past, last, writes)

    def note_answers(self, load: Load) -> None:
        """What people were told is done, they count on."""
        for one in load.answered:
            if "tx_ref" in one.body:
                source = f"manual/{load.people_pay.id}"
                self.history.append({"source": source, "payment_id": one.body["tx_ref"], "acked": True})

    # ---- what makes banks hard, one by one

    def reverse_twice(self) -> None:
        """One payment is taken back by two entries."""
        call = self.calls[0]
        first = self.desk.entry("taken-back", "12.34", call_id=call.id)
        back = {"kind": "reversal", "reverses": "taken-back"}
        self.send(first)
        self.stage.settle()
        self.send(self.desk.entry("back-1", "12.34", **back))
        self.stage.settle()
        self.send(self.desk.entry("back-2", "12.34", **back))

    def pay_before_issue(self) -> None:
        """Money that comes before its call is issued waits, and is applied when the call comes."""
        schedule = {"cadence": "custom", "tranches": [{"percent": "50", "due_date": "2031-03-17"}]}
        allocation = self.desk.allocation("1000.00", schedule=schedule)
        call = allocation["calls"][0]
        self.send(self.desk.entry("early", "99.99", call_id=call["id"]))
        self.stage.settle()
        self.desk.post(f"/api/allocations/{allocation['id']}/calls/{call['id']}/issue", {})

    def owe_at_the_date_line(self) -> int:
        """A call that was due yesterday, or is due today, where today is not the day that UTC has; its id."""
        now = clock_of(None).now()
        zone = _EAST if now.hour >= 10 else _WEST
        there, utc = business_date(now, zone), now.date()
        assert there != utc
        due: date = there - timedelta(days=1) if there > utc else there
        allocation = self.desk.allocation("1000.00", fund=self.desk.fund(time_zone=zone))
        call = self.desk.call(allocation, "100.00", due=due.isoformat())
        self._at_date_line = (call["id"], "overdue" if due < there else "called")
        return int(call["id"])

    _at_date_line: tuple[int, str] = (0, "")

    def look_at_the_date_line(self) -> None:
        """By the generator's own reckoning: grace is 0, so the fund's own date decides alone."""
        call_id, wanted = self._at_date_line
        ((status,),) = self.stage.ask(f"select status from payments.call where id = {call_id}")
        if status != wanted:
            self.findings.append(Found("I6", f"call {call_id} is {status}; by its fund's own date it is {wanted}"))
