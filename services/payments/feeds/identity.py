"""Who is who: the identity of every entry, and the entry that a reversal takes back.

One entry has one identity in every statement that shows it; two equal wires have two.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from types import MappingProxyType
from typing import TypeAlias

from services.payments.feeds.model import Entry, Kind, Statement, WhyNot
from shared.money import Minor

_Count: TypeAlias = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Credit:
    """What must be known of a credit to recognise it as the original of a reversal."""

    payment_id: str
    amount: Minor
    currency: str
    end_to_end_id: str | None
    uetr: str | None


def identify(statements: Sequence[Statement]) -> list[Statement]:
    """The statements of a file with every entry's identity.

    It is the bank's own reference; else a fingerprint, with a number that tells equal entries of one statement apart.
    A reference that a bank gives twice in one statement is numbered likewise (``#2``), and a reversal that bears the
    reference of its original gets ``/r``. Entries that are only shown use up no numbers: what is pending today is
    booked tomorrow under the same identity.
    """
    pages: dict[tuple[str, str, str], tuple[int, _Count]] = {}
    done = []
    for statement in statements:
        key = (statement.account, statement.currency, statement.id)
        last_page, count = pages.get(key, (0, Counter()))
        if statement.page <= last_page:  # the same statement once more, not its next page
            count = Counter()
        pages[key] = statement.page, count
        credits = {e.bank_reference for e in statement.entries if e.posted and e.kind is Kind.CREDIT}
        entries = [replace(e, payment_id=_identity(statement, e, credits, count)) for e in statement.entries]
        done.append(replace(statement, entries=tuple(entries)))
    return done


def name_originals(
    statements: Sequence[Statement], known: Mapping[tuple[str, str], Sequence[Credit]] = MappingProxyType({})
) -> list[Statement]:
    """The statements with `reverses` of each reversal as well as it can be told.

    The bank's word decides; else the one credit of that account with the same UETR, end-to-end id or bank reference, of
    those in the file and those `known` by account and currency; else the best reference that the bank gives, which a
    person can follow up. A reversal without any is shown and not posted.
    """
    credits: defaultdict[tuple[str, str], _Credits] = defaultdict(_Credits)
    for statement in statements:
        for reversal in filter(_is_open, statement.entries):
            credits[statement.account, statement.currency].seek(reversal)
    for account, its_credits in credits.items():
        its_credits.add(known.get(account, ()))
    for statement in statements:
        if (statement.account, statement.currency) in credits:
            credits[statement.account, statement.currency].add(_credits(statement))
    return [_with_originals(one, credits) for one in statements]


class _Credits:
    """The credits of an account that its reversals seek, by each of their references: one look finds them, however many
    there are, and a file in which nothing is taken back costs nothing."""

    def __init__(self) -> None:
        self._sought: set[str | None] = set()
        self._ids: dict[tuple[object, ...], str | None] = {}  # None where several have the reference

    def seek(self, reversal: Entry) -> None:
        """Notes by what its original may be found: also its own identity, since some banks give both bookings one."""
        self._sought |= {reversal.payment_id, reversal.reverses}
        self._sought |= {reversal.uetr, reversal.end_to_end_id, reversal.bank_reference}

    def add(self, credits: Iterable[Credit]) -> None:
        for credit in credits:
            given = ("uetr", credit.uetr), ("end to end", credit.end_to_end_id), ("bank", credit.payment_id)
            for kind, reference in given:
                if reference and reference in self._sought:
                    self._note(credit, kind, reference)
                    self._note(credit, kind, reference, credit.amount, credit.currency)

    def _note(self, credit: Credit, *key: object) -> None:
        if self._ids.setdefault(key, credit.payment_id) != credit.payment_id:
            self._ids[key] = None

    def __contains__(self, payment_id: str | None) -> bool:
        return ("bank", payment_id) in self._ids

    def the_one(self, kind: str, reference: str | None, reversal: Entry) -> str | None:
        """The only credit with a reference, or the only one of the reversal's amount; two that fit are none."""
        return self._ids.get((kind, reference)) or self._ids.get((kind, reference, reversal.amount, reversal.currency))


def _with_originals(statement: Statement, credits: Mapping[tuple[str, str], _Credits]) -> Statement:
    its_credits = credits.get((statement.account, statement.currency))
    if its_credits is None:
        return statement
    entries = tuple(_with_original(one, its_credits) if _is_open(one) else one for one in statement.entries)
    return replace(statement, entries=entries)


def _credits(statement: Statement) -> Iterator[Credit]:
    return (
        Credit(e.payment_id, e.amount, e.currency, e.end_to_end_id, e.uetr)
        for e in statement.entries
        if e.posted and e.kind is Kind.CREDIT
    )


def _is_open(entry: Entry) -> bool:
    if entry.kind is not Kind.REVERSAL or entry.original_found:
        return False
    return entry.posted or entry.why_not is WhyNot.NAMES_NO_ORIGINAL


def _identity(statement: Statement, entry: Entry, credits: set[str | None], count: _Count) -> str:
    base = entry.bank_reference or _fingerprint(statement.account, entry)
    if entry.kind is Kind.REVERSAL and entry.posted and entry.bank_reference:
        base += "/r" if entry.bank_reference in credits or entry.bank_reference == entry.reverses else ""
    company = str(entry.kind) if entry.posted else "shown"
    count[company, base] += 1
    number = count[company, base]
    if entry.bank_reference is None:
        return f"{base}-{number}"
    return base if number == 1 else f"{base}#{number}"


def _fingerprint(account: str, entry: Entry) -> str:
    """A digest of what a bank repeats word for word whenever it shows an entry again."""
    text = " ".join(f"{entry.reference or ''} {entry.remittance or ''}".upper().split())
    parts: tuple[str | int | date | None, ...] = (
        account, entry.booking_date, entry.value_date, entry.amount, entry.currency, entry.mark, entry.kind,
        (entry.remitter_name or "").upper(), text, *([entry.uetr] if entry.uetr else []),
    )  # fmt: skip
    return "fp-" + sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:32]


def _with_original(reversal: Entry, credits: _Credits) -> Entry:
    if reversal.payment_id in credits:  # a bank that gives both the same reference
        reversal = replace(reversal, payment_id=f"{reversal.payment_id}/r")
    guess = reversal.end_to_end_id or reversal.uetr
    if reversal.reverses not in {None, guess}:
        return replace(reversal, original_found=reversal.reverses in credits)
    for kind, reference in (
        ("uetr", reversal.uetr),
        ("end to end", reversal.end_to_end_id),
        ("bank", reversal.bank_reference),
    ):
        if original := credits.the_one(kind, reference, reversal):
            return replace(reversal, posted=True, why_not=None, reverses=original, original_found=True)
    why_not = None if guess else WhyNot.NAMES_NO_ORIGINAL
    return replace(reversal, posted=guess is not None, why_not=why_not, reverses=guess)
