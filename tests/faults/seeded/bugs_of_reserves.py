"""Mistakes with reserves, which planners bring to light."""

from typing import Final

from tests.faults.seeded.bug import Bug
from tests.faults.seeded.source import Edit

PROPOSING: Final = "services/allocations/reallocation/domain/proposing.py"
COMMITTING: Final = "services/allocations/reallocation/handlers/committing.py"

PLANNING: Final = (
    Bug(
        "versions_of_reserves_are_not_compared",
        "a reallocation is done to the reserves as they are, whatever version it was made for",
        "planners",
        frozenset({"I3"}),
        (
            Edit(
                PROPOSING,
                "    if proposal.version != book.version:\n",
                "    if proposal.version > book.version:\n",
            ),
        ),
    ),
    Bug(
        "several_funds_are_done_one_by_one",
        "of a commit of several funds those that may be done are, and the others are left out",
        "planners",
        frozenset({"I1"}),
        (
            Edit(
                COMMITTING,
                "        if isinstance(outcome, Refused):\n            return outcome\n        outcomes.append(",
                "        if isinstance(outcome, Refused):\n"
                "            if one is commits[-1] and not outcomes:\n"
                "                return outcome\n"
                "            continue\n"
                "        outcomes.append(",
            ),
            Edit(COMMITTING, "zip(commits, outcomes, strict=True)]", "zip(commits, outcomes)]"),
        ),
    ),
    Bug(
        "the_cap_of_a_request_stays",
        "a cap that a request brings for itself is stored",
        "planners",
        frozenset({"I13"}),
        (
            Edit(
                PROPOSING,
                "Reserve(reserve.company_id, reserve.company_name, one.planned, reserve.cap)",
                "Reserve(reserve.company_id, reserve.company_name, one.planned, one.cap or reserve.cap)",
            ),
        ),
    ),
)
