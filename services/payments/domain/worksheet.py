"""The working paper of one transaction: what was loaded, what has changed so far, and what is to be written and told.

Everything here is memory; a batch is decided on it from beginning to end before a single row is written.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from services.payments.domain.calls import Call, Status, after_postings
from services.payments.domain.entries import Content, Entry, Identity, Rule
from services.payments.domain.likeness import Lookalikes, Pairing, Seen
from services.payments.domain.payments import Conflict, Hold, Payment, Posting, PostingKind, Reason
from shared.ids import CallId, FundId, HoldId, PaymentId, PostingId
from shared.money import Minor
from shared.value import value

# More of either make more versions, so no event outgrows a record: four bytes a character, and 230 beside each posting.
POSTINGS_PER_VERSION: Final = 200
CHARACTERS_PER_VERSION: Final = 50_000  # of the postings' sources and identities


@dataclass(frozen=True, slots=True)
class Known:
    """What is booked under an identity."""

    id: PaymentId
    content: Content


@dataclass(slots=True)
class Ids:
    """New numbers to give, rising; what is left over can be given later. Payments and postings share one sequence."""

    payments: deque[int]
    postings: deque[int]
    holds: deque[int]


@dataclass(frozen=True, slots=True)
class Book:
    """What was loaded for a transaction, and locked where it can change.

    `paid_days` counts the live applications by value date, of the calls that an application may be taken from.
    """

    calls: Mapping[CallId, Call] = field(default_factory=dict)
    closed: Collection[CallId] = frozenset()  # calls that will never be issued
    accounts: Mapping[str, FundId] = field(default_factory=dict)  # aliases that pay one fund's calls only
    known: Mapping[Identity, Known] = field(default_factory=dict)
    conflicts: Collection[tuple[Identity, Content]] = frozenset()  # contradictions that are on record already
    payments: Mapping[Identity, Payment] = field(default_factory=dict)
    paid_days: Mapping[CallId, Mapping[date, int]] = field(default_factory=dict)
    applying: Collection[FundId] = frozenset()  # funds that take what fits of a payment, and hold only the rest
    lookalikes: Lookalikes | None = None  # where a source of the batch is one of several names of its account


@value
class Version:
    """A new version of a call, with the postings that it tells of."""

    call: Call
    previous_status: Status | None
    applied: tuple[Posting, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What a transaction came to: rows to write, and every version to tell."""

    booked: list[Payment] = field(default_factory=list)
    changed: list[Payment] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    opened: list[Hold] = field(default_factory=list)
    reheld: list[Hold] = field(default_factory=list)  # holds of earlier transactions, as they now are
    conflicts: list[Conflict] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    told_holds: list[tuple[Hold, Entry]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)  # credits of accounts with several names
    duplicates: int = 0

    @property
    def calls(self) -> list[Call]:
        """The last version of each call that changed, in id order."""
        last = {version.call.id: version.call for version in self.versions}
        return [last[call_id] for call_id in sorted(last)]


class Tab:
    """One call while a batch runs: sums are kept here, and sealed into versions of the call."""

    __slots__ = ("call", "characters", "days", "fresh", "last_paid_on", "paid", "postings", "versions")

    def __init__(self, call: Call, days: Mapping[date, int] | None) -> None:
        self.call = call
        self.paid: int = call.paid
        self.postings = call.postings
        self.last_paid_on = call.last_paid_on
        self.days = None if days is None else Counter(days)
        self.fresh: list[Posting] = []
        self.characters = 0
        self.versions: list[Version] = []

    def add(self, posting: Posting) -> None:
        """Takes an application or an undo into the sums."""
        if posting.kind is PostingKind.APPLIED:
            self.paid += posting.amount
            if self.last_paid_on is None or posting.value_date > self.last_paid_on:
                self.last_paid_on = posting.value_date
            if self.days is not None:
                self.days[posting.value_date] += 1
        else:
            self.paid -= posting.amount
        self.postings += 1
        self.fresh.append(posting)
        self.characters += len(posting.source) + len(posting.external_id)
        if len(self.fresh) == POSTINGS_PER_VERSION or self.characters >= CHARACTERS_PER_VERSION:
            self.seal()

    def forget_day(self, value_date: date) -> None:
        """An application of that value date is about to be undone."""
        assert self.days is not None, f"the value dates paid to call {self.call.id} were not loaded"
        self.days[value_date] -= 1
        self.last_paid_on = max((day for day, count in self.days.items() if count > 0), default=None)

    def seal(self) -> None:
        """Makes a version of what has been posted since the last one."""
        if not self.fresh:
            return
        before = self.call
        after = after_postings(before, paid=Minor(self.paid), postings=self.postings, last_paid_on=self.last_paid_on)
        self.versions.append(Version(after, before.status, tuple(self.fresh)))
        self.call, self.fresh, self.characters = after, [], 0


class Worksheet:
    """The state of a transaction as it runs. Its methods move money; the rules say when."""

    def __init__(self, book: Book, ids: Ids, now: datetime) -> None:
        self._book = book
        self.ids = ids
        self.now = now
        self._conflicts = set(book.conflicts)
        self._loaded_ids = {payment.id for payment in book.payments.values()}
        self._payments: dict[Identity, Payment] = dict(book.payments)
        self._touched: dict[PaymentId, Payment] = {}
        self._tabs: dict[CallId, Tab] = {}
        self._opened: dict[HoldId, Hold] = {}
        self._reheld: dict[HoldId, Hold] = {}
        self._outcome = Outcome()
        self.pairing = None if book.lookalikes is None else Pairing(book.lookalikes)

    def payment(self, identity: Identity) -> Payment | None:
        """A payment as it now is: loaded, or booked a moment ago."""
        return self._payments.get(identity)

    def taken(self, identity: Identity) -> Known | Payment | None:
        """What is booked under an identity, since long or a moment ago."""
        return self._payments.get(identity) or self._book.known.get(identity)

    def tab(self, call_id: CallId) -> Tab | None:
        """The running sums of a call, None where no such call was issued."""
        tab = self._tabs.get(call_id)
        if tab is None:
            call = self._book.calls.get(call_id)
            if call is None:
                return None
            tab = self._tabs[call_id] = Tab(call, self._book.paid_days.get(call_id))
        return tab

    def why_not(self, entry: Entry, call_id: CallId, amount: Minor) -> Reason | None:
        """Why `amount` of an entry's money cannot count towards a call; None where it can."""
        tab = self.tab(call_id)
        if tab is None:
            return Reason.CALL_CLOSED if call_id in self._book.closed else Reason.UNKNOWN_CALL
        call = tab.call
        if call.cancelled:
            return Reason.CALL_CLOSED
        if self._book.accounts.get(entry.source, call.fund_id) != call.fund_id:
            return Reason.WRONG_ACCOUNT
        if entry.currency != call.currency:
            return Reason.CURRENCY_MISMATCH
        return Reason.OVER_PAYMENT if amount > call.original - call.released - tab.paid else None

    def room(self, call_id: CallId) -> Minor:
        """What a call takes of too large a payment: all that is outstanding where its fund wants that, else nothing."""
        call = self._tabs[call_id].call
        if call.fund_id not in self._book.applying:
            return Minor(0)
        return Minor(call.original - call.released - self._tabs[call_id].paid)

    def fund_of(self, entry: Entry, call_id: CallId | None) -> FundId | None:
        """The fund that held money is meant for, as far as it is known: the account's, else the call's."""
        fund_id = self._book.accounts.get(entry.source)
        if fund_id is None and call_id is not None:
            call = self._book.calls.get(call_id)
            fund_id = None if call is None else call.fund_id
        return fund_id

    def see(self, one: Seen) -> None:
        """Takes in a credit of an account with several names, for those that may resemble it."""
        assert self.pairing is not None
        self.pairing.add(one)
        self._outcome.seen.append(one)

    def duplicate(self) -> None:
        """Counts an entry that says nothing new."""
        self._outcome.duplicates += 1

    def contradict(self, entry: Entry, known: Known | Payment) -> None:
        """Puts an entry on record whose identity is taken by another content; the same contradiction only once."""
        contradiction = entry.identity, entry.content
        if contradiction in self._conflicts:
            self.duplicate()
            return
        self._conflicts.add(contradiction)
        conflict_id = PaymentId(self.ids.payments.popleft())
        self._outcome.conflicts.append(Conflict(conflict_id, known.id, entry, self.now))
        hold = Hold(
            id=HoldId(self.ids.holds.popleft()),
            payment_id=None,
            conflict_id=conflict_id,
            reason=Reason.IDENTITY_CONFLICT,
            amount=entry.amount,
            opened_at=self.now,
            call_id=entry.call_id,
            fund_id=self.fund_of(entry, entry.call_id),
        )
        self._open(hold, entry)

    def keep(self, payment: Payment) -> None:
        """Takes in a payment as it now is, new or changed."""
        self._payments[payment.entry.identity] = payment
        self._touched[payment.id] = payment

    def book(self, payment_id: PaymentId, entry: Entry, call_id: CallId, rule: Rule) -> None:
        """Books a payment, applied whole to a call that can take it."""
        posting = self._post(PostingId(payment_id), payment_id, entry, call_id, entry.amount, rule)
        self.keep(Payment(payment_id, entry, self.now, entry.amount, applications=(posting,)))

    def post(self, payment_id: PaymentId, entry: Entry, call_id: CallId, amount: Minor, rule: Rule) -> Posting:
        """Applies money of a payment that was booked before to a call that can take it."""
        return self._post(PostingId(self.ids.postings.popleft()), payment_id, entry, call_id, amount, rule)

    def _post(
        self, posting_id: PostingId, payment_id: PaymentId, entry: Entry, call_id: CallId, amount: Minor, rule: Rule
    ) -> Posting:
        tab = self._tabs[call_id]
        posting = Posting(
            posting_id,
            payment_id,
            entry.source,
            entry.external_id,
            call_id,
            tab.call.version + 1,
            PostingKind.APPLIED,
            amount,
            entry.currency,
            entry.value_date,
            self.now,
            rule,
        )
        self._outcome.postings.append(posting)
        tab.add(posting)
        return posting

    def undo(self, applied: Posting, value_date: date, rule: Rule) -> None:
        """Takes an application back from its call, on a value date of its own."""
        tab = self.tab(applied.call_id)
        assert tab is not None, f"call {applied.call_id} was not loaded"
        tab.forget_day(applied.value_date)
        posting = replace(
            applied,
            id=PostingId(self.ids.postings.popleft()),
            call_version=tab.call.version + 1,
            kind=PostingKind.UNDONE,
            value_date=value_date,
            recorded_at=self.now,
            rule=rule,
            undoes=applied.id,
        )
        self._outcome.postings.append(posting)
        tab.add(posting)

    def hold(
        self,
        payment_id: PaymentId,
        entry: Entry,
        reason: Reason,
        amount: Minor,
        call_id: CallId | None,
        resembles_id: PaymentId | None = None,
    ) -> Hold:
        """Opens a hold of some of a payment's money."""
        hold = Hold(
            id=HoldId(self.ids.holds.popleft()),
            payment_id=payment_id,
            conflict_id=None,
            reason=reason,
            amount=amount,
            opened_at=self.now,
            call_id=call_id,
            fund_id=self.fund_of(entry, call_id),
            resembles_id=resembles_id,
        )
        self._open(hold, entry)
        return hold

    def _open(self, hold: Hold, entry: Entry) -> None:
        self._opened[hold.id] = hold
        self._outcome.told_holds.append((hold, entry))

    def rehold(self, hold: Hold, entry: Entry) -> Hold:
        """Takes in a hold as it now is: resolved, or held for another reason."""
        (self._opened if hold.id in self._opened else self._reheld)[hold.id] = hold
        self._outcome.told_holds.append((hold, entry))
        return hold

    def finish(self) -> Outcome:
        """Closes the sheet: seals every call's last version, and sorts payments into new and changed ones."""
        for payment in self._touched.values():
            (self._outcome.changed if payment.id in self._loaded_ids else self._outcome.booked).append(payment)
        self._outcome.opened.extend(self._opened.values())
        self._outcome.reheld.extend(self._reheld.values())
        for call_id in sorted(self._tabs):
            self._tabs[call_id].seal()
            self._outcome.versions.extend(self._tabs[call_id].versions)
        return self._outcome


def take(numbers: Iterable[int]) -> deque[int]:
    """Numbers to give, in rising order."""
    return deque(sorted(numbers))
