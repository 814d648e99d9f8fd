"""What a bank says happened: identity, content, and which call an entry names."""

import re
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from shared.ids import CallId
from shared.money import Minor
from shared.reference import can_only_name, find, normalise
from shared.value import value

Identity: TypeAlias = "tuple[str, str]"  # source, and the bank's own id of the entry: for ever

# What two entries of one identity must agree on: kind, amount, currency, value date, call, reference and original.
Content: TypeAlias = "tuple[Kind, Minor, str, date, CallId | None, str, str | None]"

RESERVED: Final = ("manual/", "edited/")  # sources of our own, which nobody else may use


class Kind(StrEnum):
    """Money in, or an earlier entry taken back."""

    CREDIT = "credit"
    REVERSAL = "reversal"


class Rule(StrEnum):
    """Why money counts towards a call, or no longer does."""

    CALL_ID = "call_id"
    REFERENCE = "reference"
    PERSON = "person"
    REVERSAL = "reversal"  # of an undo: the bank took the money back


@value
class Entry:
    """One entry of a bank account. `external_id` is the bank's own reference, which others call payment_id."""

    source: str
    external_id: str
    kind: Kind
    amount: Minor
    currency: str
    value_date: date
    call_id: CallId | None = None
    reference: str | None = None
    remittance: str | None = None
    reverses: str | None = None
    remitter: str | None = None
    account_hash: bytes | None = None
    account_last4: str | None = None
    method: str | None = None
    booked_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        """Who says so, and the bank's own id; nothing is booked twice under it."""
        return self.source, self.external_id

    @property
    def content(self) -> Content:
        """What is equal where two entries of one identity say the same, however they word it."""
        reference = normalise(self.reference) if self.reference else ""
        return self.kind, self.amount, self.currency, self.value_date, self.call_id, reference, self.reverses


def is_reserved(source: str) -> bool:
    """Whether the source is one that only we ourselves may name."""
    return source.startswith(RESERVED)


def named_calls(entry: Entry) -> tuple[CallId, ...]:
    """The calls that an entry names, by id or by a valid reference of ours: one decides, several decide nothing."""
    call_id, reference, remittance = entry.call_id, entry.reference, entry.remittance
    told: tuple[CallId, ...] = () if call_id is None else (call_id,)
    # Where the reference is just that of the call that is named by id, it says nothing more: most payments are so.
    if reference is not None and not (call_id is not None and can_only_name(reference, call_id)):
        told += _found(reference)
    if remittance is not None:
        told += _found(remittance)
    return told if len(told) < 2 else tuple(dict.fromkeys(told))


def _found(text: str) -> tuple[CallId, ...]:
    return _referenced(text) if _MAYBE_OURS.search(text) else ()


_MAYBE_OURS: Final = re.compile(r"[Rr][\s\-./]*[Ff][\s\-./]*[0-9]")


@lru_cache(maxsize=20_000)  # a call's payments all carry its reference
def _referenced(text: str) -> tuple[CallId, ...]:
    return tuple(CallId(n) for n in find(text) if n > 0)


def rule_of(entry: Entry) -> Rule:
    """How the entry named its call."""
    return Rule.REFERENCE if entry.call_id is None else Rule.CALL_ID
