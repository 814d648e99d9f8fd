"""What a person chose, and what they left: the explanation that is kept beside a decision."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.payments.domain import Part
from services.payments.matching.candidates import Candidate, Input
from shared.currency import text
from shared.ids import PaymentId

BY_HAND = "person"  # the rule of a decision that was no candidate


@dataclass(frozen=True, slots=True)
class Rival:
    """A candidate that was not chosen."""

    rule: str
    score: int
    parts: tuple[Part, ...]
    with_payments: tuple[PaymentId, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Why money went where it went: the rule, what it met, and the rivals that were refused, the best first."""

    rule: str
    score: int
    inputs: tuple[Input, ...] = ()
    with_payments: tuple[PaymentId, ...] = ()
    rivals: tuple[Rival, ...] = ()

    def as_json(self, currency: str) -> dict[str, object]:
        """The choice as it is kept and shown, with amounts in major units."""
        return {
            "rule": self.rule,
            "score": self.score,
            "inputs": [
                {"rule": str(one.rule), "points": one.points, "told": one.told, "matched": one.matched}
                for one in self.inputs
            ],
            "with_payments": list(self.with_payments),
            "rivals": [
                {
                    "rule": rival.rule,
                    "score": rival.score,
                    "parts": [{"call_id": p.call_id, "amount": text(p.amount, currency)} for p in rival.parts],
                    "with_payments": list(rival.with_payments),
                }
                for rival in self.rivals
            ],
        }


def chosen(parts: Sequence[Part], candidates: Sequence[Candidate]) -> Choice:
    """The choice that applying `parts` is: of the best candidate that says the same, or by hand where none does."""
    wanted = sorted(parts, key=_by_call)
    taken = next((one for one in candidates if sorted(one.parts, key=_by_call) == wanted), None)
    rivals = tuple(Rival(str(c.rule), c.score, c.parts, c.with_payments) for c in candidates if c is not taken)
    if taken is None:
        return Choice(BY_HAND, 0, rivals=rivals)
    return Choice(str(taken.rule), taken.score, taken.inputs, taken.with_payments, rivals)


def _by_call(part: Part) -> tuple[int, int]:
    return part.call_id, part.amount
