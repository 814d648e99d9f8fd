"""Bank formats: bytes in; statements, balances and entries out. No IO, no clock, no network.

A file is recognised by its content, never by its name, and is taken whole or refused whole.
"""

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

__all__ = [
    "Balance",
    "BankFile",
    "Credit",
    "Entry",
    "Kind",
    "Limits",
    "Mark",
    "NotTaken",
    "Problem",
    "Statement",
    "WhyNot",
    "name_originals",
    "read",
]

_XML_STARTS = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\x00", b"\xfe\xff\x00<")


def read(data: bytes, limits: Limits | None = None) -> BankFile | NotTaken:
    """What a bank's file says, or every reason why it is not taken; never raises for what stands in the file."""
    if not data.strip():
        return NotTaken("unknown", (Problem("line 1", "the file is empty"),))
    if data.lstrip(b" \t\r\n").startswith(_XML_STARTS):
        return camt053.read(data, limits or Limits())
    what = "this is no bank statement that is known here: only camt.053 (XML) is read"
    return NotTaken("unknown", (Problem("line 1", what),))
