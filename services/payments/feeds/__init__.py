"""Bank formats: bytes in; statements, balances and entries out. No IO, no clock, no network.

A file is recognised by its content, never by its name, and is taken whole or refused whole.
"""

from typing import Final, Protocol

from services.payments.feeds import camt053
from services.payments.feeds.identity import Credit, name_originals
from services.payments.feeds.model import (
    Balance,
    BankFile,
    Entry,
    Kind,
    Limits,
    Mark,
    NotTaken,
    Problem,
    Statement,
    WhyNot,
)
from services.payments.feeds.raw import InMemory, Raw, head_of

__all__ = [
    "Balance",
    "BankFile",
    "Credit",
    "Entry",
    "InMemory",
    "Kind",
    "Limits",
    "Mark",
    "NotTaken",
    "Problem",
    "Raw",
    "Statement",
    "WhyNot",
    "name_originals",
    "read",
]


class Format(Protocol):
    """What each module of a format gives."""

    def claims(self, head: bytes) -> bool:
        """Whether a file that begins so is of this format, be it right or wrong; at most one format claims a file."""
        ...

    def read(self, raw: Raw, limits: Limits) -> BankFile | NotTaken:
        """What the file says, or why it is not taken; never raises for what stands in it."""
        ...


_FORMATS: Final[tuple[Format, ...]] = (camt053,)


def read(data: bytes | Raw, limits: Limits | None = None) -> BankFile | NotTaken:
    """What a bank's file says, or every reason why it is not taken; never raises for what stands in the file."""
    raw = InMemory(data) if isinstance(data, bytes) else data
    limits = limits or Limits()
    if raw.size_bytes > limits.size_bytes:
        what = f"the file has {raw.size_bytes} bytes; at most {limits.size_bytes} are taken"
        return NotTaken("unknown", (Problem("file", what),))
    head = head_of(raw)
    if not head.strip():
        return NotTaken("unknown", (Problem("line 1", "the file is empty"),))
    for one in _FORMATS:
        if one.claims(head):
            return one.read(raw, limits)
    what = "this is no bank statement that is known here: only camt.053 (XML) is read"
    return NotTaken("unknown", (Problem("line 1", what),))
