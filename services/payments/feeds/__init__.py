"""Bank formats: bytes in; statements, balances and entries out. No IO, no clock, no network.

A file is recognised by its content, never by its name, and is taken whole or refused whole.
"""

from typing import Final, Protocol

from services.payments.feeds import bai2, camt, container, csv_file, mt940, ofx
from services.payments.feeds.csv_profile import Profile
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
    "Profile",
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


_FORMATS: Final[tuple[Format, ...]] = (camt, mt940, bai2, ofx)


def read(data: bytes | Raw, limits: Limits | None = None, profile: Profile | None = None) -> BankFile | NotTaken:
    """What a bank's file says, or every reason why it is not taken; never raises for what stands in the file.

    A zip or gzip is opened. CSV says nothing of itself, so it is read by a `profile`, where no other format claims the
    file.
    """
    raw = InMemory(data) if isinstance(data, bytes) else data
    limits = limits or Limits()
    if raw.size_bytes > limits.size_bytes:
        what = f"the file has {raw.size_bytes} bytes; at most {limits.size_bytes} are taken"
        return NotTaken("unknown", (Problem("file", what),))
    if container.claims(head_of(raw)):
        return container.read(raw, limits, lambda member: _read_bare(member, limits, profile))
    return _read_bare(raw, limits, profile)


def _read_bare(raw: Raw, limits: Limits, profile: Profile | None) -> BankFile | NotTaken:
    head = head_of(raw)
    if not head.strip():
        return NotTaken("unknown", (Problem("line 1", "the file is empty"),))
    for one in _FORMATS:
        if one.claims(head):
            return one.read(raw, limits)
    if profile is not None:
        return csv_file.read(raw, limits, profile)
    what = (
        "this is no bank statement that is known here: camt.052 to .054, MT940 and MT942, BAI2 and OFX are read, and "
        "CSV by a saved profile, which has to be named"
    )
    return NotTaken("unknown", (Problem("line 1", what),))
