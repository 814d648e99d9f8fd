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
