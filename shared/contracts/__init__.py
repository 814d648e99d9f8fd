"""The events that services may know of each other: one frozen model per event and version, one module per writer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.contracts.allocations import (
    AllocationStatusChanged,
    CallTermsChanged,
    DealChanged,
    FundChanged,
    ReserveChange,
    ReserveReallocated,
)
from shared.contracts.audit import AuditRecorded
from shared.contracts.base import RECORD_LIMIT_BYTES, Contract, Unreadable, decode, encode
from shared.contracts.feeds import PaymentReceived, Remitter
from shared.contracts.payments import POSTINGS_LIMIT, CallState, CallStatusChanged, PaymentHeld, Posting

CONTRACTS: Final[tuple[type[Contract], ...]] = (
    PaymentReceived,
    FundChanged,
    DealChanged,
    CallTermsChanged,
    CallStatusChanged,
    AllocationStatusChanged,
    PaymentHeld,
    ReserveReallocated,
    AuditRecorded,
)

BY_TOPIC: Final[Mapping[str, type[Contract]]] = MappingProxyType({contract.topic: contract for contract in CONTRACTS})

__all__ = [
    "BY_TOPIC",
    "CONTRACTS",
    "POSTINGS_LIMIT",
    "RECORD_LIMIT_BYTES",
    "AllocationStatusChanged",
    "AuditRecorded",
    "CallState",
    "CallStatusChanged",
    "CallTermsChanged",
    "Contract",
    "DealChanged",
    "FundChanged",
    "PaymentHeld",
    "PaymentReceived",
    "Posting",
    "Remitter",
    "ReserveChange",
    "ReserveReallocated",
    "Unreadable",
    "decode",
    "encode",
]
