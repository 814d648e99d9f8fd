"""Traffic to suffer by: a bank's feed and people's writes over HTTP, with what both must come to in the end.

The feed goes straight to the broker. People send each write with an Idempotency-Key, again and again until they are
told what became of it, as a careful client does.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx
from aiokafka.errors import KafkaError

from drawdown.localstack.waiting import finish
from shared.postgres import connect
from tests.support.desk import DUE, Desk
from tests.support.history import History, OpenCall, history
from tests.support.house import House, Record

_TRANCHE: Final = {"percent": "10", "due_date": DUE}
_STEP: Final = 100  # records published at once

PAID: Final = """
select id, paid_minor from payments.call
"""
MADE: Final = """
select name, count(*) from allocations.deal group by name
"""


@dataclass(slots=True)
class Answered:
    """A write, what was answered in the end, and how often it had to be sent."""

    path: str
    body: dict[str, str]
    key: str
    answer: dict[str, Any]
    sent: int


@dataclass(slots=True)
class Load:
    """Runs during the `with` block; leaving it waits until everything was sent and answered."""

    house: House
    feed: History
    people_pay: OpenCall
    writes: int
    pause_seconds: float = 0.05
    answered: list[Answered] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _failed: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        for work in (self._publish, self._write):
            thread = threading.Thread(target=self._guarded, args=(work,))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()
        assert not self._failed, self._failed

    @property
    def running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _guarded(self, work: Any) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (a thread must not fail unseen)
            self._failed.append(error)

    def _publish(self) -> None:
        records: list[Record] = [("payment.received", key.decode(), value) for key, value in self.feed.records]
        deadline = time.monotonic() + 150
        for start in range(0, len(records), _STEP):
            # What was not acknowledged is sent again, with the same identity: a bank's feed does the same.
            while not self._is_published(records[start : start + _STEP]):
                assert time.monotonic() < deadline, "the broker takes nothing any more"
                time.sleep(0.5)
            time.sleep(self.pause_seconds)

    def _is_published(self, records: Sequence[Record]) -> bool:
        try:
            self.house.publish_all(records)
        except KafkaError:
            return False
        return True

    def _write(self) -> None:
        with httpx.Client(base_url=self.house.addresses.front, timeout=20, trust_env=False) as http:
            for n in range(self.writes):
                if n % 2:
                    self._until_answered(http, "/api/deals", {"name": f"Deal of write {n}"}, n)
                else:
                    body = {"amount": "1.00", "tx_ref": f"w{n}", "value_date": "2026-03-02"}
                    self._until_answered(http, f"/api/capital-calls/{self.people_pay.id}/payments", body, n)

    def _until_answered(self, http: httpx.Client, path: str, body: dict[str, str], n: int) -> None:
        key, sent = f"write-{n}", 0
        deadline = time.monotonic() + 90
        while True:
            sent += 1
            try:
                response = http.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                response = None
            if response is not None and response.is_success:
                self.answered.append(Answered(path, body, key, response.json(), sent))
                return
            # Only "not now" may be answered while nothing is wrong with what was asked.
            assert response is None or response.status_code in {409, 500, 502, 503, 504}, response.text
            assert time.monotonic() < deadline, f"{path} {key} is never answered"
            time.sleep(0.05)

    # ---- afterwards

    def assert_right(self) -> None:
        """Every call is paid to the cent what was sent, every write took effect once, and the same key again gets the
        same answer."""
        wanted = dict(self.feed.paid_minor)
        wanted[self.people_pay.id] = 100 * sum("payments" in one.path for one in self.answered)
        paid, made = finish(self._found())
        assert {call: paid.get(call) for call in wanted} == wanted
        names = Counter(one.body["name"] for one in self.answered if "name" in one.body)
        assert {name: made.get(name) for name in names} == dict(names)
        for one in self.answered:
            again = self.house.http.post(one.path, json=one.body, headers={"Idempotency-Key": one.key})
            assert (again.json(), again.headers.get("Idempotent-Replayed")) == (one.answer, "true"), one

    async def _found(self) -> tuple[dict[int, int], dict[str, int]]:
        db = await connect(self.house.addresses.admin_url, application="tests")
        try:
            return {r[0]: r[1] for r in await db.fetch(PAID)}, {r[0]: r[1] for r in await db.fetch(MADE)}
        finally:
            await db.close()


def open_calls(desk: Desk, *, allocations: int, calls: int) -> list[OpenCall]:
    """Issued calls of ten percent each, of allocations of ten million in one new fund."""
    fund, found = desk.fund(), list[OpenCall]()
    schedule = {"cadence": "custom", "tranches": [_TRANCHE] * calls}
    for _ in range(allocations):
        allocation = desk.allocation("10000000.00", fund=fund, schedule=schedule)
        for call in allocation["calls"]:
            desk.post(f"/api/allocations/{allocation['id']}/calls/{call['id']}/issue", {})
            found.append(OpenCall(call["id"], allocation["id"], fund["id"], 1_000_000_00, call["reference"]))
    return found


def load_on(house: House, *, payments: int, writes: int, seed: int) -> Load:
    """Traffic on calls of its own: nobody else pays them."""
    calls: Sequence[OpenCall] = open_calls(Desk(house), allocations=3, calls=7)
    house.settle()
    feed = history(calls[:-1], payments=payments, seed=seed, source=f"bank/feed-{seed}")
    return Load(house, feed, calls[-1], writes)
