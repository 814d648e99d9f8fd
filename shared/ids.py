"""Identifiers; the only place where randomness becomes an id."""

import os
import time
from typing import NewType
from uuid import UUID

FundId = NewType("FundId", int)
DealId = NewType("DealId", int)
AllocationId = NewType("AllocationId", int)
CallId = NewType("CallId", int)
PaymentId = NewType("PaymentId", int)
PostingId = NewType("PostingId", int)
HoldId = NewType("HoldId", int)

LARGEST = 2**63 - 1  # ids are PostgreSQL bigints, from 1


def new_event_id() -> UUID:
    """A UUID of version 7 (RFC 9562): ordered by time to the millisecond, so indexes grow at one end."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (tail >> 64 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1)


def event_ids(first: UUID, begin: int, end: int) -> list[str]:
    """The ids of the events from the `begin`-th up to the `end`-th of a row whose first has the id `first`.

    They count on in the random bits of the last group, so each costs no randomness and no object of its own.
    """
    text = str(first)
    head, tail = text[:24], int(text[24:], 16)
    return [f"{head}{(tail + number) % 2**48:012x}" for number in range(begin, end)]
