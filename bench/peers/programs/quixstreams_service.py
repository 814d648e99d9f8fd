"""The fold of capital calls as a QuixStreams application, run by an environment of its own; imports nothing of ours.

Arguments: the broker, topic of payments, topic of call totals, group, the book (calls.csv), how many such processes
there are, seconds between two commits, folder for state.
"""

import csv
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import orjson
from confluent_kafka import ConsumerGroupState  # type: ignore[import-not-found]  # its own environment has it
from confluent_kafka.admin import AdminClient  # type: ignore[import-not-found]  # its own environment has it
from quixstreams import Application, State  # type: ignore[import-not-found]  # its own environment has it

_AMOUNT: Final = re.compile(r"([0-9]{1,15})\.([0-9]{2})", re.ASCII)
_APPLIED, _HELD, _REVERSAL, _UNDONE, _AWAITED = range(5)  # awaited: its reversal came first
_PAID: Final = "paid"


class Fold:
    """Takes each entry once. The state is the call's own: the topic's key is the call's id."""

    def __init__(self, book: Path) -> None:
        with book.open(newline="") as file:
            self._amount_minor = {int(row["call_id"]): int(row["amount_minor"]) for row in csv.DictReader(file)}

    def __call__(self, value: bytes, state: State) -> dict[str, int] | None:
        """The call's new total; None where nothing changed."""
        entry = _readable(value)
        if entry is None or entry["call_id"] not in self._amount_minor:
            return None
        minor = int(entry["amount"].replace(".", ""))
        book = self._reverse if entry["kind"] == "reversal" else self._credit
        change = book(entry, minor, state)
        if not change:
            return None
        paid = state.get(_PAID, 0) + change
        state.set(_PAID, paid)
        return {"call_id": entry["call_id"], "paid_minor": paid}

    def _credit(self, entry: dict[str, Any], minor: int, state: State) -> int:
        key = f"{entry['source']}\0{entry['payment_id']}"
        known = state.get(key)
        if known is not None and known[0] != _AWAITED:
            return 0
        if minor > self._amount_minor[entry["call_id"]] - state.get(_PAID, 0):
            state.set(key, [_HELD, minor])
            return 0
        if known is not None and known[1] == minor:
            state.set(key, [_UNDONE, minor])
            return 0
        state.set(key, [_APPLIED, minor])
        return minor

    def _reverse(self, entry: dict[str, Any], minor: int, state: State) -> int:
        key, original = f"{entry['source']}\0{entry['payment_id']}", f"{entry['source']}\0{entry['reverses']}"
        if state.exists(key):
            return 0
        state.set(key, [_REVERSAL, minor])
        known = state.get(original)
        if known is None:
            state.set(original, [_AWAITED, minor])
            return 0
        if known != [_APPLIED, minor]:
            return 0
        state.set(original, [_UNDONE, minor])
        return -minor


def _readable(value: bytes) -> dict[str, Any] | None:
    """The entry that these bytes are; None where nobody can book them."""
    try:
        entry = orjson.loads(value)
        amount = _AMOUNT.fullmatch(entry["amount"])
        texts = entry["source"], entry["payment_id"], entry["currency"], entry["value_date"]
        known = entry["kind"] == "credit" or (entry["kind"] == "reversal" and isinstance(entry["reverses"], str))
        good = amount and entry["amount"] != "0.00" and known and isinstance(entry["call_id"], int)
    except (ValueError, KeyError, TypeError):
        return None
    return entry if good and all(isinstance(text, str) for text in texts) else None


def _say_when_ready(kafka: str, group: str, members: int) -> None:
    """The library tells nobody when it holds its partitions, but the broker knows."""
    admin = AdminClient({"bootstrap.servers": kafka})
    while True:
        told = admin.describe_consumer_groups([group])[group].result()
        if told.state == ConsumerGroupState.STABLE and len(told.members) == members:
            print("ready", flush=True)
            return
        time.sleep(0.1)


def main(
    kafka: str, payments: str, calls: str, group: str, book: str, members: str, commit_seconds: str, state: str
) -> None:
    """Runs until it is told to stop."""
    app = Application(
        broker_address=kafka,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=float(commit_seconds),
        state_dir=state,
        loglevel="WARNING",
        consumer_extra_config={"fetch.wait.max.ms": 50, "queued.min.messages": 200_000},
        producer_extra_config={"linger.ms": 20, "batch.size": 1024 * 1024, "compression.type": "lz4"},
    )
    source = app.topic(payments, key_deserializer="bytes", value_deserializer="bytes")
    sink = app.topic(calls, key_serializer="bytes", value_serializer="json")
    totals = app.dataframe(source).apply(Fold(Path(book)), stateful=True)
    totals.filter(lambda total: total is not None).to_topic(sink)
    threading.Thread(target=_say_when_ready, args=(kafka, group, int(members)), daemon=True).start()
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
