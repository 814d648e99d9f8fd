"""Candidates: the calls that held money may be for, ranked by what speaks for each, and that in words.

A candidate always disposes of exactly the money on hold, and of no more than each call has outstanding. Points are
added up, so a score is explained by its inputs; what is equal is put in order by due date and by call, never by when
something happened to arrive.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from services.payments.domain import Call, Entry, Hold, Part, Reason
from services.payments.matching.sums import exact_sums
from services.payments.matching.texts import Mentions, mentions
from shared.currency import text
from shared.ids import AllocationId, CallId, FundId, PaymentId
from shared.money import Minor

# Held for these reasons, money may belong to another call than the rules thought of.
MATCHED: Final = frozenset(
    {
        *(Reason.NO_MATCH, Reason.AMBIGUOUS_MATCH, Reason.UNAPPLIED, Reason.OVER_PAYMENT, Reason.UNKNOWN_CALL),
        Reason.WRONG_ACCOUNT,
    }
)
_MOST_SUMS: Final = 3  # equal ways to make up one amount; more would only be noise


class Sign(StrEnum):
    """What speaks for a candidate."""

    REFERENCE = "reference"
    EXACT_AMOUNT = "exact_amount"
    NEAR_REFERENCE = "near_reference"
    WITHIN_TOLERANCE = "within_tolerance"
    SUM_OF_CALLS = "sum_of_calls"
    SUM_OF_PAYMENTS = "sum_of_payments"
    REFERENCE_DIGITS = "reference_digits"
    KNOWN_ACCOUNT = "known_account"
    KNOWN_NAME = "known_name"


# Of a hundred: an exact amount and a right reference from a known account could not be better.
POINTS: Final[Mapping[Sign, int]] = {
    Sign.REFERENCE: 40,
    Sign.EXACT_AMOUNT: 40,
    Sign.NEAR_REFERENCE: 35,
    Sign.WITHIN_TOLERANCE: 30,
    Sign.SUM_OF_CALLS: 30,
    Sign.SUM_OF_PAYMENTS: 25,
    Sign.REFERENCE_DIGITS: 25,
    Sign.KNOWN_ACCOUNT: 20,
    Sign.KNOWN_NAME: 12,
}
_ORDER: Final = {sign: place for place, sign in enumerate(Sign)}


@dataclass(frozen=True, slots=True)
class Held:
    """Money on hold that may be matched.

    `fund_id` is that of its account, which pays no other fund's calls; `hint_fund_id` the one it was thought to be for.
    """

    payment_id: PaymentId
    amount: Minor
    currency: str
    value_date: date
    fund_id: FundId | None = None
    hint_fund_id: FundId | None = None
    said: Mentions = field(default_factory=Mentions)

    @classmethod
    def of(cls, entry: Entry, hold: Hold, account_fund_id: FundId | None) -> "Held":
        """What matching needs to know of a payment and its open hold."""
        assert hold.payment_id is not None
        said = mentions(entry.reference, entry.remittance)
        if entry.call_id is not None:
            said = Mentions(said.named | {entry.call_id}, said.nearly, said.bare)
        return cls(
            payment_id=hold.payment_id,
            amount=hold.amount,
            currency=entry.currency,
            value_date=entry.value_date,
            fund_id=account_fund_id,
            hint_fund_id=hold.fund_id,
            said=said,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """The remitter's money was applied to an allocation before."""

    sign: Sign  # by account or by name
    allocation_id: AllocationId
    fund_id: FundId
    times: int


@dataclass(frozen=True, slots=True)
class Other:
    """Another payment of the same remitter on hold, in the order of value date and bank's own id."""

    payment_id: PaymentId
    amount: Minor


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up for one held payment; calls in any order, some perhaps of no use."""

    calls: tuple[Call, ...] = ()
    known: tuple[Known, ...] = ()
    others: tuple[Other, ...] = ()
    tolerances: Mapping[FundId, Minor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that speaks for a candidate: what the payment says, and what it meets."""

    rule: Sign
    points: int
    told: str
    matched: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to apply all of the held money; `with_payments` are other held ones that belong to the same call."""

    calls: tuple[Call, ...]
    parts: tuple[Part, ...]
    inputs: tuple[Input, ...]  # the strongest first
    with_payments: tuple[PaymentId, ...] = ()

    @property
    def rule(self) -> Sign:
        """What speaks for it most."""
        return self.inputs[0].rule

    @property
    def score(self) -> int:
        """Of a hundred."""
        return sum(one.points for one in self.inputs)


def propose(held: Held, found: Found, *, most: int = 10) -> tuple[Candidate, ...]:
    """The best candidates, the best first; the same for the same data, in whatever order that was loaded."""
    nearest = _nearest(held)
    calls = sorted({call.id: call for call in found.calls if _can_take(held, call)}.values(), key=nearest)
    proposed = [
        *_single(held, found, calls),
        *_sums_of_calls(held, found, calls),
        *_sums_of_payments(held, found, calls),
    ]
    # Sorting keeps what is equal in the order in which it was proposed, which is that of due dates too.
    proposed.sort(key=lambda c: (-c.score, len(c.parts), len(c.with_payments), *(nearest(call) for call in c.calls)))
    return tuple(proposed[:most])


def _can_take(held: Held, call: Call) -> bool:
    return (
        call.outstanding > 0
        and call.currency == held.currency
        and (held.fund_id is None or call.fund_id == held.fund_id)
    )


def _nearest(held: Held) -> Callable[[Call], tuple[int, date, CallId]]:
    """Orders calls by how near they are due to the day on which the money came, then by due date and id."""
    return lambda call: (abs((call.due_on - held.value_date).days), call.due_on, call.id)


def _single(held: Held, found: Found, calls: Iterable[Call]) -> Iterator[Candidate]:
    """One call takes all: the amount speaks for it, or the texts or an allocation that the remitter paid before do."""
    for call in calls:
        if call.outstanding < held.amount:
            continue
        amount = _amount(held, call, found.tolerances.get(call.fund_id, Minor(0)))
        about = [*_texts(held, [call]), *_remitter(found, [call], of_fund=amount is not None)]
        if amount is not None or about:
            yield _candidate([call], [held.amount], [*([amount] if amount else ()), *about])


def _amount(held: Held, call: Call, tolerance: Minor) -> Input | None:
    short = call.outstanding - held.amount
    there = f"{text(call.outstanding, call.currency)} outstanding on call {call.id}"
    if short == 0:
        return _input(Sign.EXACT_AMOUNT, _on_hold(held), there)
    if short <= tolerance:
        less = f"{text(short, call.currency)} short, at most {text(tolerance, call.currency)} may be bank charges"
        return _input(Sign.WITHIN_TOLERANCE, _on_hold(held), f"{there}: {less}")
    return None


def _texts(held: Held, calls: Sequence[Call]) -> list[Input]:
    """What the texts say of all these calls."""
    said, ids = held.said, [call.id for call in calls]
    if all(call_id in said.named for call_id in ids):
        return [_input(Sign.REFERENCE, "a call id or a valid reference", _names(calls))]
    if all(call_id in said.named or call_id in said.nearly for call_id in ids):
        typed = ", ".join(said.nearly[call_id] for call_id in ids if call_id in said.nearly)
        right = ", ".join(call.reference for call in calls)
        return [_input(Sign.NEAR_REFERENCE, typed, f"looks like {right} with a typing error")]
    if all(call_id in said.calls for call_id in ids):
        typed = ", ".join(said.bare[call_id] for call_id in ids if call_id in said.bare)
        return [_input(Sign.REFERENCE_DIGITS, typed, f"the digits of the reference of {_names(calls)}")]
    return []


def _remitter(found: Found, calls: Sequence[Call], *, of_fund: bool) -> list[Input]:
    """Where the remitter's money went before: to the allocation of these calls, or, for less, to their fund."""
    allocations, funds = {call.allocation_id for call in calls}, {call.fund_id for call in calls}
    for sign in (Sign.KNOWN_ACCOUNT, Sign.KNOWN_NAME):
        known = [one for one in found.known if one.sign is sign]
        told = f"the remitter's {'account' if sign is Sign.KNOWN_ACCOUNT else 'name'}"
        if allocations <= {one.allocation_id for one in known}:
            times = sum(one.times for one in known if one.allocation_id in allocations)
            names = ", ".join(str(allocation_id) for allocation_id in sorted(allocations))
            return [_input(sign, told, f"paid allocation {names} before, {_times(times)}")]
        if of_fund and funds <= {one.fund_id for one in known}:
            times = sum(one.times for one in known if one.fund_id in funds)
            names = ", ".join(str(fund_id) for fund_id in sorted(funds))
            return [_input(sign, told, f"paid fund {names} before, {_times(times)}", points=POINTS[sign] // 2)]
    return []


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _sums_of_calls(held: Held, found: Found, calls: Sequence[Call]) -> Iterator[Candidate]:
    """Several open calls of one fund are outstanding with exactly the held amount."""
    nearest = _nearest(held)
    for fund_id in sorted({call.fund_id for call in calls}):
        few = sorted(
            (call for call in calls if call.fund_id == fund_id and call.outstanding < held.amount),
            key=lambda call: call.id not in held.said.calls,  # what is spoken of is looked at first
        )
        ways = exact_sums([call.outstanding for call in few], held.amount, found=_MOST_SUMS + 1)
        for places in ways[:_MOST_SUMS]:
            chosen = sorted((few[place] for place in places), key=nearest)
            amounts = [call.outstanding for call in chosen]
            made_of = " + ".join(f"{text(call.outstanding, call.currency)} (call {call.id})" for call in chosen)
            amount = _sum_input(Sign.SUM_OF_CALLS, _on_hold(held), f"{made_of} outstanding", alone=len(ways) == 1)
            yield _candidate(chosen, amounts, [amount, *_texts(held, chosen), *_remitter(found, chosen, of_fund=True)])


def _sums_of_payments(held: Held, found: Found, calls: Sequence[Call]) -> Iterator[Candidate]:
    """This and other held payments of the remitter together are exactly what one call has outstanding."""
    others = [other for other in found.others if other.payment_id != held.payment_id]
    amounts = [other.amount for other in others]
    for call in calls:
        missing = call.outstanding - held.amount
        if missing <= 0:
            continue
        ways = exact_sums(amounts, missing, fewest=1, most=4, found=_MOST_SUMS + 1)
        for places in ways[:_MOST_SUMS]:
            chosen = [others[place] for place in places]
            made_of = " + ".join(text(amount, held.currency) for amount in (held.amount, *(o.amount for o in chosen)))
            there = f"{text(call.outstanding, call.currency)} outstanding on call {call.id}"
            told = f"{made_of} on hold, of the same remitter"
            amount = _sum_input(Sign.SUM_OF_PAYMENTS, told, there, alone=len(ways) == 1)
            inputs = [amount, *_texts(held, [call]), *_remitter(found, [call], of_fund=True)]
            yield _candidate([call], [held.amount], inputs, tuple(other.payment_id for other in chosen))


def _sum_input(sign: Sign, told: str, matched: str, *, alone: bool) -> Input:
    """A sum that can be made up in several ways says half as much."""
    if alone:
        return _input(sign, told, matched)
    return _input(sign, told, f"{matched}; not the only way", points=POINTS[sign] // 2)


def _candidate(
    calls: Sequence[Call], amounts: Sequence[Minor], inputs: Iterable[Input], others: tuple[PaymentId, ...] = ()
) -> Candidate:
    parts = tuple(Part(call.id, amount) for call, amount in zip(calls, amounts, strict=True))
    strongest_first = sorted(inputs, key=lambda one: (-one.points, _ORDER[one.rule]))
    return Candidate(tuple(calls), parts, tuple(strongest_first), others)


def _input(sign: Sign, told: str, matched: str, *, points: int | None = None) -> Input:
    return Input(sign, POINTS[sign] if points is None else points, told, matched)


def _on_hold(held: Held) -> str:
    return f"{text(held.amount, held.currency)} on hold"


def _names(calls: Sequence[Call]) -> str:
    return ", ".join(f"call {call.id}" for call in calls)
