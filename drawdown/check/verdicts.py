"""What a check has to say: one verdict per invariant, with the first rows that break it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SHOWN: Final = 10  # offenders named per invariant; all are counted

PROMISES: Final[Mapping[str, str]] = {
    "I1": "every event is booked, held or dead-lettered, and its money is conserved",
    "I2": "no payment is applied beyond its amount, and none is booked twice",
    "I3": "nothing is booked that nobody sent",
    "I4": "postings sum to each call's paid, calls to each allocation's amounts",
    "I5": "0 <= funded <= called <= planned <= committed",
    "I6": "every status is what its amounts and dates say",
    "I7": "versions are 1, 2, 3… without a gap, and every one was published",
    "I8": "the read models equal a fold of the ledger",
    "I9": "each change has exactly one audit entry, and the chains verify",
    "I10": "no hold outlives its cause",
    "I11": "a replay beside the read model gives the same bytes",
    # I12, that all of this holds again soon after any fault, takes faults to prove.
    "I13": "reserves of a fund have one version, and are what their history comes to",
}


@dataclass(frozen=True, slots=True)
class Offender:
    """One row or event that breaks an invariant: which, and how."""

    id: str
    says: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one question: `rows` were looked at, `found` broke it, `offenders` are the first of these."""

    invariant: str
    what: str
    rows: int
    found: int = 0
    offenders: Sequence[Offender] = ()
    not_checked: str = ""  # why the question could not be asked, or empty


@dataclass(slots=True)
class Verdict:
    """All findings of one invariant."""

    invariant: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def promise(self) -> str:
        return PROMISES[self.invariant]

    @property
    def rows(self) -> int:
        return sum(finding.rows for finding in self.findings)

    @property
    def found(self) -> int:
        return sum(finding.found for finding in self.findings)

    @property
    def not_checked(self) -> list[str]:
        return [f"{finding.what}: {finding.not_checked}" for finding in self.findings if finding.not_checked]

    @property
    def word(self) -> str:
        """`broken` where a row breaks it, `not checked` where nothing could be asked, else `holds`."""
        if self.found:
            return "broken"
        return "not checked" if len(self.not_checked) == len(self.findings) else "holds"


def finding(invariant: str, what: str, rows: int, offenders: Iterable[Offender]) -> Finding:
    """A finding from all of its offenders."""
    broken = list(offenders)
    return Finding(invariant, what, rows, len(broken), tuple(broken[:SHOWN]))


def verdicts(findings: Iterable[Finding]) -> list[Verdict]:
    """Findings by invariant, in the order of the specification; an invariant that nobody asked about is left out."""
    by_invariant: dict[str, Verdict] = {}
    for one in findings:
        by_invariant.setdefault(one.invariant, Verdict(one.invariant)).findings.append(one)
    return [by_invariant[invariant] for invariant in PROMISES if invariant in by_invariant]


def as_json(found: Sequence[Verdict]) -> dict[str, Any]:
    """The machine-readable form of `drawdown check --json`."""
    return {
        "holds": not any(verdict.found for verdict in found),
        "invariants": [
            {
                "invariant": verdict.invariant,
                "promise": verdict.promise,
                "verdict": verdict.word,
                "rows": verdict.rows,
                "violations": verdict.found,
                "questions": [
                    {
                        "what": one.what,
                        "rows": one.rows,
                        "violations": one.found,
                        "not_checked": one.not_checked or None,
                        "first": [{"id": offender.id, "says": offender.says} for offender in one.offenders],
                    }
                    for one in verdict.findings
                ],
            }
            for verdict in found
        ],
    }
