"""What the demo does, in three acts: a fund promises and calls, its bank reports, and all of it settles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from drawdown import samples
from drawdown.demo.client import Client, DemoFailed
from drawdown.demo.figures import Figure, differences, plain
from drawdown.demo.story import CURRENCY, MARK, SIZE, TIME_ZONE, Entry, Key, Promise, Story, total
from shared.money import Minor

NAME: Final = "Meridian Growth Fund"


@dataclass(frozen=True, slots=True)
class Made:
    """What the first act left behind."""

    number: int  # how many funds of the demo there are now
    fund_id: int
    name: str
    account: str  # the alias under which the bank's statements come in
    calls: Mapping[Key, Mapping[str, Any]]

    def bank_reference(self, entry_number: int) -> str:
        """The bank's own reference of an entry; no two demos share one."""
        return f"MGF{self.number}-{entry_number:04}"


# --- act one: promises -----------------------------------------------------------------------------------------------


def promise(client: Client, story: Story) -> Made:
    """A new fund with its deals, allocations and calls; deals of an earlier demo are used again."""
    names = [fund["name"] for fund in client.every("/api/funds", limit=200)]
    number = sum(name.startswith(NAME) and name.endswith(MARK) for name in names) + 1
    fund = client.post(
        "/api/funds",
        {"name": f"{NAME} {roman(number)}{MARK}", "currency": CURRENCY, "time_zone": TIME_ZONE, "size": SIZE},
    )
    deals = {deal["name"]: deal["id"] for deal in client.every("/api/deals", limit=200)}
    calls: dict[Key, Mapping[str, Any]] = {}
    for each in story.promises:
        name = each.deal + MARK
        deal_id = deals.get(name) or client.post("/api/deals", {"name": name})["id"]
        for call in _commit(client, fund["id"], deal_id, each):
            calls[each.deal, call["seq_no"]] = call
    account = f"bank/demo-meridian-{number}-{CURRENCY.lower()}"
    client.wait(
        "payments hearing of the fund",
        lambda: client.post_or_none(f"/api/funds/{fund['id']}/accounts", {"alias": account, "currency": CURRENCY}),
    )
    return Made(number, fund["id"], fund["name"], account, calls)


def _commit(client: Client, fund_id: int, deal_id: int, each: Promise) -> list[Mapping[str, Any]]:
    """One allocation, and its calls as far as they are to be issued now."""
    body = {"fund_id": fund_id, "deal_id": deal_id, "committed": plain(each.committed), "schedule": each.schedule}
    allocation = client.post("/api/allocations", body)
    path = f"/api/allocations/{allocation['id']}/calls"
    calls: list[Mapping[str, Any]] = list(allocation["calls"])
    if each.schedule is None:
        bodies = [{"amount": plain(call.amount), "due_date": str(call.due_date)} for call in each.calls]
        calls += [client.post(path, body) for body in bodies]
    for number, (call, made) in enumerate(zip(each.calls, calls, strict=True)):
        if (made["amount"], made["due_date"]) != (plain(call.amount), str(call.due_date)):
            raise DemoFailed(
                f"{each.deal}, call {number + 1} should be {plain(call.amount)} due {call.due_date}, but is "
                f"{made['amount']} due {made['due_date']}"
            )
        if call.issue and made["stage"] != "issued":
            calls[number] = client.post(f"{path}/{made['id']}/issue", {})
    return calls


def roman(number: int) -> str:
    """I, II, III, IV… for the names of funds."""
    signs = ((100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
    text = ""
    for value, sign in signs:
        times, number = divmod(number, value)
        text += sign * times
    return text


# --- act two: the bank -----------------------------------------------------------------------------------------------


def report(client: Client, story: Story, made: Made) -> None:
    """Sends the bank's statements, the first of them twice, as banks do."""
    files = [statement(story, made, number) for number in range(len(story.statements))]
    for content in [files[0], *files]:
        taken = client.upload(
            "/api/bank-statements", f"{made.account.replace('/', '-')}.xml", content, source=made.account
        )
        for statement_taken in taken["statements"]:
            if not statement_taken["proven"] or statement_taken["problems"]:
                raise DemoFailed(f"the bank's statement does not add up: {statement_taken['problems']}")


def statement(story: Story, made: Made, number: int) -> bytes:
    """One day's camt.053, its opening balance what the days before left."""
    before = [entry for day in story.statements[:number] for entry in day if entry.becomes != "pending"]
    opening = sum(-entry.amount if entry.undoes else entry.amount for entry in before)
    day = story.day_of(number)
    return samples.camt053(
        f"MGF{made.number}-{day}",
        f"DEMO{made.number:06}",
        CURRENCY,
        plain(Minor(opening)),
        [_line(story, made, entry, number) for entry in story.statements[number]],
        day=day,
    )


def _line(story: Story, made: Made, entry: Entry, number: int) -> samples.Line:
    reference = made.calls[entry.names]["reference"] if entry.names else None
    text = f"{entry.text} {reference}" if reference and entry.in_text else entry.text
    return samples.Line(
        amount=plain(entry.amount),
        booked_on=story.day_of(number),
        mark="DBIT" if entry.undoes else "CRDT",
        status="PDNG" if entry.becomes == "pending" else "BOOK",
        bank_reference=made.bank_reference(entry.number),
        reference=None if entry.in_text else reference,
        remittance=text or None,
        remitter=entry.remitter,
        reversal=bool(entry.undoes),
        original=made.bank_reference(entry.undoes) if entry.undoes else None,
    )


# --- act three: it settles -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    """What the ledger says in the end."""

    totals: Mapping[str, str]
    calls: Mapping[Key, Mapping[str, Any]]
    stats: Mapping[str, Any]


def settle(client: Client, story: Story, made: Made, figures: Sequence[Figure]) -> Settled:
    """What the ledger says, once that is what the story says; fails with every difference when patience ends."""
    found: list[str] = []

    def settled() -> Settled | None:
        now = _look(client, made)
        reasons = {p["payment_id"]: p["reason"] for p in _held(client, made)}
        found[:] = [
            *differences(figures, now.totals),
            *_calls_differ(story, now),
            *_stats_differ(story, now),
            *_holds_differ(story, made, reasons),
        ]
        return None if found else now

    try:
        return cast("Settled", client.wait("settling", settled))
    except DemoFailed as late:
        raise DemoFailed("\n".join(found) or str(late)) from None


def _look(client: Client, made: Made) -> Settled:
    names = {call["id"]: key for key, call in made.calls.items()}
    calls = client.every(f"/api/funds/{made.fund_id}/calendar", limit=200)
    held = sum(int(payment["held_amount"].replace(".", "")) for payment in _held(client, made))
    return Settled(
        totals={**client.get(f"/api/funds/{made.fund_id}/capital"), "held": plain(Minor(held))},
        calls={names[call["call_id"]]: call for call in calls},
        stats=client.get(f"/api/funds/{made.fund_id}/capital-calls/stats"),
    )


def _held(client: Client, made: Made) -> list[Mapping[str, Any]]:
    """The payments of this demo's account that wait for a person."""
    return [p for p in client.every("/api/payments", status="held", limit=200) if p["source"] == made.account]


def _calls_differ(story: Story, now: Settled) -> list[str]:
    wrong = []
    for key, call in story.calls():
        should = story.status(key, call), plain(story.paid(key))
        shown = now.calls.get(key, {"status": "unknown", "paid": "nothing"})
        if (shown["status"], shown["paid"]) != should:
            wrong.append(f"{key[0]}, call {key[1]} should be {should[0]} with {should[1]} paid, but the ledger says "
                         f"{shown['status']} with {shown['paid']}")  # fmt: skip
    return wrong


def _stats_differ(story: Story, now: Settled) -> list[str]:
    """The cash basis, in whole dollars and tenths of a percent, as all amounts of the story are."""
    funded, committed = total(amount for _, amount in story.postings()), total(story.committed())
    tenths = (2000 * funded + committed) // (2 * committed)
    should = {"called_usd": funded // 100, "uncalled_usd": (committed - funded) // 100, "basis": "cash"}
    says = {name: now.stats[name] for name in should}
    if says == should and str(now.stats["called_pct"]) == f"{tenths // 10}.{tenths % 10}":
        return []
    return [f"the cash basis should be {should}, {tenths} tenths of a percent, but the ledger says {now.stats}"]


def _holds_differ(story: Story, made: Made, reasons: Mapping[str, str]) -> list[str]:
    should = {
        made.bank_reference(e.number): e.becomes for e in story.entries if e.becomes in {"no_match", "over_payment"}
    }
    return [] if reasons == should else [f"on hold should be {should}, but the ledger says {dict(reasons)}"]
