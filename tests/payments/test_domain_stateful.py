"""Promises about every history of payments, as far as chance finds them: the rules beside a model of a page."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.payments.machine import Ledger
from tests.payments.model import Wire, Word
from tests.payments.subjects import START, InMemory, dates_on
from tests.payments.subjects import model as fresh
from tests.support.effort import effort


class InMemoryLedger(Ledger):
    """The pure rules."""

    def open(self) -> InMemory:
        return InMemory()


def test_the_rules_do_what_the_model_says() -> None:
    """Whatever banks, allocations, the clock and people do: money is conserved, nothing is counted twice, no version is
    missing, no step leaves the documented graph, and every amount, status and refusal is the model's."""
    run_state_machine_as_test(InMemoryLedger, settings=effort(30, steps=30))


@pytest.mark.parametrize("postings", [199, 200, 201, 400, 420])
def test_a_flood_makes_a_version_for_every_200_postings(postings: int) -> None:
    """However many postings a transaction makes, and takes back, the versions of the call tell of all of them."""
    model, subject, day = fresh(), InMemory(), START.date()
    word = Word(1, 1, "issued", postings, 1, day, 0, 0)
    model.hear([word], dates_on(0))
    subject.hear([word], 0)
    flood = [Wire("bank/acme", f"F{n}", 1, day, call=1) for n in range(postings)]
    back = [Wire("bank/acme", f"R{n}", 1, day, reverses=f"F{n}") for n in range(postings)]
    for batch in (flood, back):
        model.receive(batch)
        subject.receive(batch, 0)
        assert subject.view() == model.view()
        subject.check()
    assert model.calls[1].version == 1 + 2 * -(-postings // 200)
