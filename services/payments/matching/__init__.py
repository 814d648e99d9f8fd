"""What people may do with money that the rules could not place: pure proposals, each with what speaks for it.

Nothing here applies anything. What is proposed depends on what is on record alone, never on the order in which it came.
"""

from services.payments.matching.candidates import (
    MATCHED,
    Candidate,
    Found,
    Held,
    Input,
    Known,
    Other,
    Sign,
    propose,
)
from services.payments.matching.choices import Choice, Rival, chosen
from services.payments.matching.sums import exact_sums, totals
from services.payments.matching.texts import Mentions, mentions

__all__ = [
    "MATCHED",
    "Candidate",
    "Choice",
    "Found",
    "Held",
    "Input",
    "Known",
    "Mentions",
    "Other",
    "Rival",
    "Sign",
    "chosen",
    "exact_sums",
    "mentions",
    "propose",
    "totals",
]
