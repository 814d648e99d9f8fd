"""The audit chains, walked by the verifier that shares no code with the service that wrote them."""

from drawdown.audit import reading
from drawdown.check.snapshot import Snapshot
from drawdown.check.verdicts import Finding, Offender, finding


async def walk(db: Snapshot) -> Finding:
    """I9: every entry is as it was written, at its place, up to the chain's head."""
    chains = await reading.verify(db)
    entries = sum(chain.end.sequence for chain in chains)
    flaws = [
        Offender(f"{flaw.chain}#{flaw.sequence}", f"{flaw.problem}: {flaw.detail}")
        for chain in chains
        for flaw in chain.flaws
    ]
    return finding("I9", "audit chains", entries, flaws)
