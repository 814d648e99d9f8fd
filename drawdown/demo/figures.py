"""What the story comes to, each figure with its sum spelled out, and how the ledger's answers compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drawdown.demo.story import Story, shown, spelled, total
from shared.money import Minor


@dataclass(frozen=True, slots=True)
class Figure:
    """One total: its name, the sum as one would write it on paper, and what that sum is."""

    name: str
    meaning: str
    sum: str
    amount: Minor


def figures_of(story: Story) -> list[Figure]:
    """Every total of the fund, by the name that the API gives it, and `held`."""
    committed, called = total(story.committed()), total(story.called())
    postings = [amount for _, amount in story.postings()]
    funded = total(postings)
    overdue = [part for amount, paid in story.overdue() for part in (amount, -paid)]
    return [
        Figure("total_committed", "committed", spelled(story.committed()), committed),
        Figure("total_planned", "planned", spelled(story.planned()), total(story.planned())),
        Figure("total_called", "called", spelled(story.called()), called),
        Figure("total_funded", "funded", spelled(postings), funded),
        Figure("uncalled_capital", "uncalled", spelled([committed, -called]), total([committed, -called])),
        Figure("outstanding_calls", "outstanding", spelled([called, -funded]), total([called, -funded])),
        Figure("overdue", "overdue", spelled(overdue), total(overdue)),
        Figure("held", "held", spelled(story.held()), total(story.held())),
    ]


def bank_sum(story: Story) -> str:
    """All that the bank booked is either funded or held: its closing balance is their sum."""
    booked = [
        Minor(-entry.amount) if entry.undoes else entry.amount for entry in story.entries if entry.becomes != "pending"
    ]
    funded, held = total(amount for _, amount in story.postings()), total(story.held())
    assert total(booked) == funded + held, "the story itself must add up"
    return f"{shown(funded)} funded + {shown(held)} held = {shown(total(booked))}, the closing balance"


def differences(figures: Sequence[Figure], answered: Mapping[str, str]) -> list[str]:
    """A sentence for each figure that the ledger has otherwise."""
    return [
        f"{figure.meaning} should be {shown(figure.amount)} = {figure.sum}, but the ledger says {answered[figure.name]}"
        for figure in figures
        if answered[figure.name] != plain(figure.amount)
    ]


def plain(amount: Minor) -> str:
    """An amount as the API writes it, without thousands' separators."""
    return shown(amount).replace(",", "").replace("−", "-")
