"""One of the four naive services as a process: one message, one transaction, row by row, the event after the commit.

Arguments: which service, the broker, the database's URL, what stands before topics and groups, how many messages at a
time.
"""

import asyncio
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Annotated, Final, Literal

import asyncpg
import uvloop
from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import BaseModel, BeforeValidator, Field

PAYMENT_RECEIVED: Final = "payment.received"
CALL_STATUS_CHANGED: Final = "call.status_changed"
ALLOCATION_STATUS_CHANGED: Final = "allocation.status_changed"
TOPICS: Final = (PAYMENT_RECEIVED, CALL_STATUS_CHANGED, ALLOCATION_STATUS_CHANGED)

Pool = asyncpg.Pool
Listen = Callable[["Service"], None]


def _minor(amount: object) -> int:
    """Cents of a decimal string; whatever else is refused."""
    if not isinstance(amount, str):
        raise ValueError(amount)  # noqa: TRY004 (only this one becomes a validation error)
    whole, point, decimals = amount.partition(".")
    if not (point and whole.isdecimal() and decimals.isdecimal() and len(decimals) == 2 and amount.isascii()):
        raise ValueError(amount)
    return int(whole + decimals)


class PaymentReceived(BaseModel):
    source: str
    payment_id: str
    kind: Literal["credit", "reversal"]
    amount: Annotated[int, BeforeValidator(_minor), Field(gt=0)]
    currency: str
    value_date: date
    call_id: int
    reverses: str | None = None


class CallStatusChanged(BaseModel):
    call_id: int
    allocation_id: int
    fund_id: int
    paid_minor: int
    status: str
    version: int


class AllocationStatusChanged(BaseModel):
    allocation_id: int
    fund_id: int
    funded_minor: int
    version: int


async def _keep(_connection: object) -> None:
    """A connection that changed no setting needs no reset."""


class Service:
    """What every one of the four has: a broker, a pool, and names of its own."""

    def __init__(self, name: str, kafka: str, prefix: str, workers: int) -> None:
        self.broker = KafkaBroker(kafka, logger=None, linger_ms=0)
        self.workers = workers
        self._name = name
        self._prefix = prefix
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        assert self._pool is not None
        return self._pool

    async def connect(self, database: str) -> None:
        # As many connections as handlers that run at a time: more would only wait for each other. By default each is
        # reset when it is given back, which is one more round trip per message.
        self._pool = await asyncpg.create_pool(
            database, min_size=self.workers, max_size=self.workers, reset=_keep, server_settings={"jit": "off"}
        )

    async def close(self) -> None:
        await self.pool.close()

    def topic(self, name: str) -> str:
        return self._prefix + name

    @property
    def group(self) -> str:
        return self._prefix + self._name

    async def tell(self, topic: str, key: int, event: BaseModel) -> None:
        await self.broker.publish(event, self.topic(topic), key=str(key).encode())


LOCK_CALL: Final = """
select allocation_id, fund_id, amount_minor, paid_minor, version from payments.call where id = $1 for update
"""
TAKE_PAYMENT: Final = """
insert into payments.payment (source, payment_id, kind, amount_minor, call_id, reverses, state, value_date)
values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict do nothing
returning true
"""
# A reversal may come before its original; then the original is applied and undone at once.
TAKE_WAITING: Final = """
update payments.payment
   set state = 'done'
 where source = $1 and reverses = $2 and amount_minor = $3 and state = 'waiting'
returning true
"""
UNDO: Final = """
update payments.payment
   set state = 'reversed'
 where source = $1 and payment_id = $2 and amount_minor = $3 and state = 'applied'
returning true
"""
SET_STATE: Final = """
update payments.payment set state = $3 where source = $1 and payment_id = $2
"""
SAVE_CALL: Final = """
update payments.call set paid_minor = $2, version = $3 where id = $1
"""


def payments(service: Service) -> None:
    @service.broker.subscriber(
        service.topic(PAYMENT_RECEIVED),
        group_id=service.group,
        auto_offset_reset="earliest",
        max_workers=service.workers,
        no_reply=True,
    )
    async def take(event: PaymentReceived) -> None:
        async with service.pool.acquire() as db, db.transaction():
            changed = await _book(db, event)
        if changed:
            await service.tell(CALL_STATUS_CHANGED, changed.allocation_id, changed)


async def _book(
    db: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", event: PaymentReceived
) -> CallStatusChanged | None:
    """The call after this payment; None where nothing about it changed."""
    call = await db.fetchrow(LOCK_CALL, event.call_id)
    if call is None:
        raise LookupError(event.call_id)
    fits = event.amount <= call["amount_minor"] - call["paid_minor"]
    state = "waiting" if event.kind == "reversal" else "applied" if fits else "held"
    taken = await db.fetchval(
        TAKE_PAYMENT,
        event.source,
        event.payment_id,
        event.kind,
        event.amount,
        event.call_id,
        event.reverses,
        state,
        event.value_date,
    )
    if not taken or state == "held":
        return None
    paid = call["paid_minor"]
    if event.kind == "reversal":
        if not await db.fetchval(UNDO, event.source, event.reverses, event.amount):
            return None
        await db.execute(SET_STATE, event.source, event.payment_id, "done")
        paid -= event.amount
    elif await db.fetchval(TAKE_WAITING, event.source, event.payment_id, event.amount):
        await db.execute(SET_STATE, event.source, event.payment_id, "reversed")
    else:
        paid += event.amount
    version = call["version"] + 1
    await db.execute(SAVE_CALL, event.call_id, paid, version)
    status = "paid" if paid == call["amount_minor"] else "partially_paid" if paid else "called"
    return CallStatusChanged(
        call_id=event.call_id,
        allocation_id=call["allocation_id"],
        fund_id=call["fund_id"],
        paid_minor=paid,
        status=status,
        version=version,
    )


LOCK_KNOWN_CALL: Final = """
select paid_minor, version from allocations.call where id = $1 for update
"""
SAVE_KNOWN_CALL: Final = """
update allocations.call set paid_minor = $2, version = $3 where id = $1
"""
FUND: Final = """
update allocations.allocation
   set funded_minor = funded_minor + $2, version = version + 1
 where id = $1
returning id as allocation_id, fund_id, funded_minor, version
"""


def allocations(service: Service) -> None:
    @service.broker.subscriber(
        service.topic(CALL_STATUS_CHANGED),
        group_id=service.group,
        auto_offset_reset="earliest",
        max_workers=service.workers,
        no_reply=True,
    )
    async def take(event: CallStatusChanged) -> None:
        async with service.pool.acquire() as db, db.transaction():
            known = await db.fetchrow(LOCK_KNOWN_CALL, event.call_id)
            if known is None or event.version <= known["version"]:
                return
            await db.execute(SAVE_KNOWN_CALL, event.call_id, event.paid_minor, event.version)
            row = await db.fetchrow(FUND, event.allocation_id, event.paid_minor - known["paid_minor"])
        if row is not None:
            await service.tell(ALLOCATION_STATUS_CHANGED, event.allocation_id, AllocationStatusChanged(**row))


LOCK_KNOWN_ALLOCATION: Final = """
select funded_minor, version from metrics.allocation where id = $1 for update
"""
SAVE_KNOWN_ALLOCATION: Final = """
update metrics.allocation set funded_minor = $2, version = $3 where id = $1
"""
ADD_TO_FUND: Final = """
update metrics.fund_total set funded_minor = funded_minor + $2 where fund_id = $1
"""


def metrics(service: Service) -> None:
    @service.broker.subscriber(
        service.topic(ALLOCATION_STATUS_CHANGED),
        group_id=service.group,
        auto_offset_reset="earliest",
        max_workers=service.workers,
        no_reply=True,
    )
    async def take(event: AllocationStatusChanged) -> None:
        async with service.pool.acquire() as db, db.transaction():
            known = await db.fetchrow(LOCK_KNOWN_ALLOCATION, event.allocation_id)
            if known is None or event.version <= known["version"]:
                return
            await db.execute(SAVE_KNOWN_ALLOCATION, event.allocation_id, event.funded_minor, event.version)
            await db.execute(ADD_TO_FUND, event.fund_id, event.funded_minor - known["funded_minor"])


ENTER: Final = """
insert into audit.entry (topic, part, offset_, value) values ($1, $2, $3, $4) on conflict do nothing
"""
Raw = tuple[str, int, int, bytes]


async def _raw(message: KafkaMessage) -> Raw:
    """Where the message stands, and its bytes: an audit keeps what nobody can read, too."""
    record = message.raw_message
    assert not isinstance(record, tuple)
    return record.topic, record.partition, record.offset, record.value or b""


def audit(service: Service) -> None:
    @service.broker.subscriber(
        *(service.topic(name) for name in TOPICS),
        group_id=service.group,
        auto_offset_reset="earliest",
        max_workers=service.workers,
        no_reply=True,
        decoder=_raw,
    )
    async def take(entry: Raw) -> None:
        async with service.pool.acquire() as db:
            await db.execute(ENTER, *entry)


SERVICES: Final[dict[str, Listen]] = {
    "payments": payments,
    "allocations": allocations,
    "metrics": metrics,
    "audit": audit,
}


async def _say_ready(broker: KafkaBroker) -> None:
    """Tell whoever waits for it that every consumer holds its partitions."""
    for subscriber in broker.subscribers:
        while not (subscriber.consumer and subscriber.consumer.assignment()):  # type: ignore[attr-defined]  # Kafka's have one
            await asyncio.sleep(0.05)
    print("ready", flush=True)


async def main(name: str, kafka: str, database: str, prefix: str, workers: str) -> None:
    """Runs until it is told to stop."""
    service = Service(name, kafka, prefix, int(workers))
    SERVICES[name](service)
    await service.connect(database)
    try:
        app = FastStream(service.broker, logger=None)
        app.after_startup(partial(_say_ready, service.broker))
        await app.run()
    finally:
        await service.close()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(*sys.argv[1:]))
