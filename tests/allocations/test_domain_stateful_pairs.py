"""Every state meets every event, exhaustively: the tables and formulas here are the rules' text, not the code's."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.allocations.domain import (
    Allocation,
    Call,
    Cause,
    Command,
    Receivable,
    ReceivableStatus,
    Stage,
    Status,
    advance,
    decide,
    fold,
    moved,
    over_commitment,
    shown_status,
)
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.facts import NOW, POLICY, TODAY, allocation, call

# ---- a call's stages

TABLE = """
                 | issue              | approve            | reject             | withdraw
pending_approval | invalid_transition | scheduled          | rejected           | withdrawn
scheduled        | issued             | invalid_transition | invalid_transition | withdrawn
rejected         | call_closed        | call_closed        | call_closed        | call_closed
withdrawn        | call_closed        | call_closed        | call_closed        | call_closed
issued           | issued             | invalid_transition | invalid_transition | invalid_transition
cancelled        | call_closed        | call_closed        | call_closed        | call_closed
"""
HEAD, *ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip("\n").splitlines()]
PAIRS = [(row[0], command, cell) for row in ROWS for command, cell in zip(HEAD[1:], row[1:], strict=True)]


def calls_in(state: str) -> Iterator[Call]:
    """A call in a stage, with everything that payments may have said of it in that stage."""
    if state not in {"issued", "cancelled"}:
        yield call(1, 100, Stage(state))
        return
    issued = call(1, 100)
    if state == "issued":
        yield issued
    for status in ReceivableStatus:
        if (status == "cancelled") == (state == "cancelled"):
            paid = Minor({"paid": 100, "partially_paid": 40}.get(status, 0))
            yield replace(issued, receivable=Receivable(2, Minor(0), paid, bool(paid), status, TODAY if paid else None))


@pytest.mark.parametrize(("state", "command", "expected"), PAIRS)
def test_every_stage_meets_every_command(state: str, command: str, expected: str) -> None:
    """Each pair goes where the rules say, as the next version, or is refused with their code; nothing is undefined."""
    for before in calls_in(state):
        after = decide(before, Command(command), policy=POLICY, today=TODAY, now=NOW)
        if isinstance(after, Refused):
            assert after.code == expected
            assert after.facts == {"call_id": before.id, "call_status": shown_status(before)}
            continue
        assert after.stage == expected
        if expected == state:
            assert after is before
        else:
            assert (after.previous_stage, after.terms_version) == (before.stage, before.terms_version + 1)
            assert after.issued_on == (TODAY if expected == "issued" else None)


def test_the_table_has_every_pair() -> None:
    """No stage, no command and no end is left out."""
    assert {(state, command) for state, command, _ in PAIRS} == {
        (state, str(command)) for state in (*Stage, ReceivableStatus.CANCELLED) for command in Command
    }


# ---- an allocation's states

SMALL = 4  # enough for every order of 0 < F < C < P < K


def allocations() -> Iterator[Allocation]:
    """Every allocation of a small commitment that the amounts allow."""
    for planned in range(SMALL + 1):
        for called in range(planned + 1):
            for funded in range(called + 1):
                # A call came last only where there is one, and not all is funded: only money can have done that.
                for fresh in {False, called > 0 and funded < SMALL}:
                    amounts = {"planned": Minor(planned), "called": Minor(called), "funded": Minor(funded)}
                    yield replace(allocation(SMALL), **amounts, fresh=fresh)  # type: ignore[arg-type]  # members by name


def expected_status(called: int, funded: int, *, fresh: bool) -> str:
    """The first line that holds."""
    if called == 0:
        return "committed"
    if funded == SMALL:
        return "funded"
    if funded > 0 and not fresh:
        return "partially_funded"
    return "called" if called == SMALL else "partially_called"


Step = tuple[Allocation, str, int, int, int, bool]  # after; the cause, P, C, F and the flag that are due


def commands(a: Allocation) -> Iterator[Step]:
    """Whatever a command may do that the guard lets pass: plan, call at once, issue, withdraw; a zero call too."""
    for amount in range(SMALL + 2):
        refused = over_commitment(a, amount)
        assert (refused is None) == (a.planned + amount <= SMALL)
        if refused is None:
            p, fresh = a.planned + amount, a.fresh or amount > 0
            yield (moved(a, planned_by=amount, called_by=0), "CALL_PLANNED", p, a.called, a.funded, a.fresh)
            yield (moved(a, planned_by=amount, called_by=amount), "CREATE_CALL", p, a.called + amount, a.funded, fresh)
    for amount in range(a.planned - a.called + 1):
        fresh, c = a.fresh or amount > 0, a.called + amount
        yield (moved(a, planned_by=0, called_by=amount), "CREATE_CALL", a.planned, c, a.funded, fresh)
        p = a.planned - amount
        yield (moved(a, planned_by=-amount, called_by=0), "CALL_WITHDRAWN", p, a.called, a.funded, a.fresh)


def facts(a: Allocation) -> Iterator[Step]:
    """Every batch of reports: C falls by so much, F moves by so much, with or without postings of no effect."""
    for gone in range(a.called + 1):
        for by in range(-a.funded, a.called - gone - a.funded + 1):
            for postings in {1 if by else 0, 2}:
                causes = {
                    "PAYMENT_RECEIVED": by > 0,
                    "PAYMENT_REVERSED": by < 0,
                    "CALL_CANCELLED": gone > 0,
                }
                cause = next((cause for cause, holds in causes.items() if holds), "PAYMENT_RECEIVED")
                fresh = a.fresh and not gone and not postings
                step = fold(a, called_by=-gone, funded_by=by, new_postings=postings)
                yield (step, cause, a.planned - gone, a.called - gone, a.funded + by, fresh)


def test_every_state_meets_every_event() -> None:
    """From every amount that there can be, every command and every batch of facts leads to the documented amounts,
    state and cause, as one version; to none where nothing changed."""
    met: set[tuple[Status, Cause]] = set()
    for before in allocations():
        assert before.status == expected_status(before.called, before.funded, fresh=before.fresh)
        for step, cause, planned, called, funded, fresh in (*commands(before), *facts(before)):
            after = advance(before, step, now=NOW)
            assert (after.planned, after.called, after.funded, after.fresh) == (planned, called, funded, fresh)
            assert after.status == expected_status(called, funded, fresh=fresh)
            if (planned, called, funded, fresh) == (before.planned, before.called, before.funded, before.fresh):
                assert after is before
                continue
            assert (after.cause, after.version, after.previous_status) == (cause, before.version + 1, before.status)
            met.add((before.status, after.cause))
    everywhere = {(status, cause) for status in Status for cause in Cause if cause is not Cause.ALLOCATE}
    assert everywhere - met == {
        # Without a call there is neither money nor a call to take back; with all of it called, nothing is left to plan;
        # with all of it funded, nothing is left at all but a bank's reversal.
        *(
            (Status.COMMITTED, cause)
            for cause in (Cause.PAYMENT_RECEIVED, Cause.PAYMENT_REVERSED, Cause.CALL_CANCELLED)
        ),
        *((Status.CALLED, cause) for cause in (Cause.CREATE_CALL, Cause.CALL_PLANNED, Cause.CALL_WITHDRAWN)),
        *((Status.FUNDED, cause) for cause in Cause if cause not in {Cause.ALLOCATE, Cause.PAYMENT_REVERSED}),
    }


@pytest.mark.parametrize("amount", range(SMALL + 3))
def test_every_state_refuses_what_is_not_free(amount: int) -> None:
    """More than K − P is refused in every state, with the amount still free, and nothing else is."""
    for before in allocations():
        refused = over_commitment(before, amount)
        free = SMALL - before.planned
        assert (None if refused is None else (refused.code, refused.facts["free"])) == (
            ("over_commitment", f"0.{free:02d}") if amount > free else None
        )
