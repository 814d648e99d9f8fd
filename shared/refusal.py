"""A business refusal: a value to show, store and answer with, never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a command was not done; the state is as it was.

    `code` is stable and meant for programs, `detail` says what happened, `advice` what to do next (one sentence), and
    `facts` are further members of the answer, such as the amount still free.
    """

    code: str
    detail: str
    advice: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
