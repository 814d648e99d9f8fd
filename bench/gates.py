"""The gates: a run that fails one has no score, however quick it was."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bench.model import Expected
from drawdown.addresses import Addresses
from shared.postgres import Connection

PAID: Final = """
select id, paid_minor::bigint from payments.call
"""
FUNDED: Final = """
select id, funded_minor::bigint from allocations.allocation
"""
SHOWN: Final = """
select id, funded_minor::bigint from metrics.allocation
"""
BOOKED: Final = """
select count(*)::bigint as booked, count(distinct (source_id, external_id))::bigint as identities from payments.payment
"""
HELD: Final = """
select reason, count(*)::bigint from payments.hold where resolution is null group by reason
"""
DEAD_LETTERS: Final = """
select count(*)::bigint from payments.dead_letter
"""
AUDITED: Final = """
select t.name, count(*)::bigint from audit.entry e join audit.topic t on t.id = e.topic_id group by t.name
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """One promise; `wrong` says what broke it, and is empty where it holds."""

    promise: str
    wrong: str = ""


class Refused(AssertionError):
    """The run has no score; the message names every gate that failed."""

    def __init__(self, gates: list[Gate]) -> None:
        super().__init__("; ".join(f"{gate.promise}: {gate.wrong}" for gate in gates if gate.wrong))


def insist(gates: list[Gate]) -> None:
    """Raises `Refused` unless every gate holds."""
    if any(gate.wrong for gate in gates):
        raise Refused(gates)


async def of_ledger(db: Connection, expected: Expected) -> list[Gate]:
    """What payments keeps against the model: totals, identities, holds, dead letters."""
    booked = await db.fetchrow(BOOKED)
    assert booked is not None
    held = {row[0]: row[1] for row in await db.fetch(HELD)}
    wanted = {
        "over_payment": expected.over_payments,
        "identity_conflict": expected.conflicts,
        "original_not_found": expected.waiting_reversals,
    }
    return [
        Gate("paid per call", differ(expected.paid_minor, await _by_id(db, PAID))),
        Gate("each identity once", differ({"booked": expected.booked}, {"booked": booked["identities"]})),
        Gate("each payment once", differ({"booked": expected.booked}, {"booked": booked["booked"]})),
        Gate("holds", differ(wanted, held)),
        Gate("dead letters", differ({"poison": expected.dead_letters}, {"poison": await db.fetchval(DEAD_LETTERS)})),
    ]


async def of_mirrors(db: Connection, expected: Expected) -> list[Gate]:
    """What is derived from the ledger, in the two services that derive it."""
    return [
        Gate("funded per allocation", differ(expected.funded_minor, await _by_id(db, FUNDED))),
        Gate("metrics = ledger, per allocation", differ(expected.funded_minor, await _by_id(db, SHOWN))),
    ]


async def of_audit(db: Connection, records: Mapping[str, int]) -> Gate:
    """Every record of every topic has its entry."""
    entries = {row[0]: row[1] for row in await db.fetch(AUDITED)}
    return Gate("audit = what was published", differ({topic: n for topic, n in records.items() if n}, entries))


async def of_pages(metrics_url: str, expected: Expected) -> Gate:
    """The fund totals as people see them, over HTTP."""
    shown: dict[Any, int] = {}
    async with httpx.AsyncClient(base_url=metrics_url, timeout=30, trust_env=False) as http:
        for fund_id in expected.fund_minor:
            answer = await http.get(f"/api/funds/{fund_id}/capital")
            told = answer.json().get("total_funded", "0.00") if answer.is_success else f"{answer.status_code}.00"
            shown[fund_id] = int(told.replace(".", ""))
    return Gate("fund totals over HTTP", differ(expected.fund_minor, shown))


async def of_stack(data: Path) -> list[Gate]:
    """`drawdown check` and `drawdown audit verify`, as anybody would run them."""
    check = await _run("check", "--json", "--data", str(data))
    broken = ""
    if check.returncode:
        told = json.loads(check.stdout) if check.stdout.strip().startswith("{") else {}
        failed = [one["invariant"] for one in told.get("invariants", ()) if one.get("verdict") != "holds"]
        broken = f"{', '.join(failed)} {check.stderr.strip()[-300:]}"
    verify = await _run("audit", "verify", "--data", str(data))
    unproven = f"{verify.stdout.strip()[-300:]} {verify.stderr.strip()[-300:]}" if verify.returncode else ""
    return [Gate("drawdown check", broken), Gate("audit chains verify", unproven)]


async def of_run(
    db: Connection, expected: Expected, records: Mapping[str, int], addresses: Addresses, data: Path
) -> list[Gate]:
    """All gates of a run at rest."""
    gates = [*await of_ledger(db, expected), *await of_mirrors(db, expected), await of_audit(db, records)]
    gates.append(await of_pages(addresses.services["metrics"], expected))
    return [*gates, *await of_stack(data)]


def differ(wanted: Mapping[Any, int], found: Mapping[Any, int]) -> str:
    """What differs, the first of it in numbers; empty where both say the same. Absent counts as zero."""
    wrong = [key for key in wanted.keys() | found.keys() if wanted.get(key, 0) != found.get(key, 0)]
    if not wrong:
        return ""
    first = min(wrong, key=str)
    return f"{len(wrong):,} differ, first {first}: {found.get(first, 0)} is not {wanted.get(first, 0)}"


async def _by_id(db: Connection, statement: str) -> dict[int, int]:
    return {row[0]: row[1] for row in await db.fetch(statement)}


async def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", *arguments]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
