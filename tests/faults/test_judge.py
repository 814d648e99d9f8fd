"""Promises of the judge: a right ledger passes, and each way to be wrong is found."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import journal
from tests.faults.books import Booked, Books, Content
from tests.faults.journal import Call, Entry, Journal
from tests.faults.judge import Memory, judge

PLAIN = Call(1, 7, 3, 1_000, "USD", "RF01", "plain")
CONTESTED = Call(2, 7, 3, 500, "USD", "RF02", "contested")
BAD = b"\xffnothing"


def credit(name: str, minor: int, call: Call = PLAIN) -> Entry:
    return Entry("bank/usd", name, "credit", minor, "USD", "2025-05-05", call.id)


A, B, TWIN, OVER = credit("a", 300), credit("b", 200), credit("a", 299), credit("over", 1_001)
BACK = replace(B, payment_id="b-r", kind="reversal", reverses="b")
FIRST, SECOND = credit("x", 400, CONTESTED), credit("y", 300, CONTESTED)
UNSURE = credit("gone", 5)


def history(path: Path) -> journal.History:
    """What a load would have written: acknowledged entries, one that nobody knows of, one unreadable, commands."""
    with closing(Journal(path)) as writer:
        for call in (PLAIN, CONTESTED):
            writer.call(call)
        batch = writer.send([A, B, TWIN, OVER, BACK, FIRST, SECOND, BAD, UNSURE])
        writer.sent(batch, [*((0, offset) for offset in range(8)), None])
        writer.ask("clerk-0-1", "call.pay", "/pay", {"tx_ref": "hand"}, {"call": 1, "amount_minor": 100})
        writer.answer("clerk-0-1", 201, {})
        writer.again("clerk-0-1", same=True)
        writer.ask("clerk-0-2", "deal.create", "/api/deals", {"name": "Deal"}, {})
        writer.answer("clerk-0-2", 201, {"id": 1})
        writer.ask("clerk-0-3", "call.issue", "/issue", {}, {"call": 1})
        writer.answer("clerk-0-3", 200, {})
    return journal.read(path)


def booked(number: int, entry: Entry, *, applied: int = 0, held: int = 0, back: int = 0) -> Booked:
    content = Content(entry.kind, entry.amount_minor, entry.currency, entry.value_date)
    return Booked(number, content, applied, held, back)


def right() -> Books:
    """The ledger that this history must come to."""
    by_hand = Booked(9, Content("credit", 100, "USD", "2026-03-02"), 100, 0, 0)
    return Books(
        booked={
            A.identity: booked(1, A, applied=300),
            B.identity: booked(2, B, back=200),
            BACK.identity: booked(3, BACK, back=200),
            OVER.identity: booked(4, OVER, held=1_001),
            FIRST.identity: booked(5, FIRST, applied=400),
            SECOND.identity: booked(6, SECOND, held=300),
            ("manual/1", "hand"): by_hand,
        },
        conflicts={(TWIN.identity, Content("credit", 299, "USD", "2025-05-05"))},
        held={4: "over_payment", 6: "over_payment"},
        paid={1: 400, 2: 400},
        reported={1: (400, 7, "issued"), 2: (400, 7, "issued")},
        allocations={7: (3, 2_000, 800)},
        names={"Deal": 1},
        promised={1: 1},
        dead=[BAD],
        received={(0, offset): 1 for offset in range(8)},
        acts={("clerk-0", "call.pay"): 1, ("clerk-0", "deal.create"): 1, ("clerk-0", "call.issue"): 1},
        posted={1: "p"},
        heads={("t", 0, 5): "h"},
        earlier_heads={("t", 0, 4): "g"},
        capital={3: {"total_committed": "20.00", "total_funded": "8.00"}},
    )


def rulings(path: Path, books: Books) -> set[str]:
    """The invariants that the judge finds broken."""
    memory = Memory(posted={1: "p"}, heads={("t", 0, 4): "g"})
    return {one.invariant for one in judge(history(path), books, memory) if one.broken}


def test_a_right_ledger_passes(tmp_path: Path) -> None:
    """No complaint where nothing is wrong, and the next check remembers what this one saw."""
    memory = Memory(posted={1: "p"}, heads={("t", 0, 4): "g"})
    found = judge(history(tmp_path / "journal"), right(), memory)
    assert [one for one in found if one.broken] == []
    assert all(one.rows for one in found)
    assert memory.heads == {("t", 0, 5): "h"}


def test_what_nobody_acknowledged_may_be_there_or_not(tmp_path: Path) -> None:
    """An indefinite send is booked or not: both are right, and its money is counted where it is."""
    books = right()
    books.booked[UNSURE.identity] = booked(10, UNSURE, applied=5)
    books.paid[1] = 405
    books.reported[1] = (405, 7, "issued")
    books.allocations[7] = (3, 2_000, 805)
    books.capital[3] = {"total_committed": "20.00", "total_funded": "8.05"}
    assert rulings(tmp_path / "journal", books) == set()


def lose(books: Books) -> None:
    del books.booked[A.identity]


def forget_conflict(books: Books) -> None:
    books.conflicts.clear()


def change_content(books: Books) -> None:
    books.booked[B.identity] = booked(2, replace(B, amount_minor=201), back=201)


def invent(books: Books) -> None:
    books.booked["bank/usd", "nobody"] = booked(11, A, applied=300)


def invent_by_hand(books: Books) -> None:
    books.booked["manual/1", "other"] = booked(11, A, applied=300)


def drop_dead(books: Books) -> None:
    books.dead.clear()


def invent_dead(books: Books) -> None:
    books.dead.append(b"stranger")


def count_twice(books: Books) -> None:
    books.paid[1] += 300


def hear_wrong(books: Books) -> None:
    books.reported[2] = (399, 7, "issued")


def hold_what_fits(books: Books) -> None:
    books.booked[SECOND.identity] = booked(6, replace(SECOND, amount_minor=100), held=100)


def apply_a_part(books: Books) -> None:
    books.booked[SECOND.identity] = booked(6, SECOND, applied=100, held=200)


def fund_wrong(books: Books) -> None:
    books.allocations[7] = (3, 2_000, 801)


def show_wrong(books: Books) -> None:
    books.capital[3] = {"total_committed": "20.00", "total_funded": "8.01"}


def forget_a_hand(books: Books) -> None:
    del books.booked["manual/1", "hand"]


def make_twice(books: Books) -> None:
    books.names["Deal"] = 2


def not_issue(books: Books) -> None:
    books.reported[1] = (400, 7, "scheduled")


def audit_twice(books: Books) -> None:
    books.received[0, 3] = 2


def audit_never(books: Books) -> None:
    del books.received[0, 3]


def act_twice(books: Books) -> None:
    books.acts["clerk-0", "call.pay"] = 2


def wait_for_call(books: Books) -> None:
    books.held[4] = "unknown_call"


def book_twice(books: Books) -> None:
    books.twice.append(A.identity)


def rewrite(books: Books) -> None:
    books.posted = {1: "q"}


def rewrite_audit(books: Books) -> None:
    books.earlier_heads = {("t", 0, 4): "x"}


@pytest.mark.parametrize(
    ("spoil", "invariant"),
    [
        (lose, "I1"),
        (forget_conflict, "I1"),
        (change_content, "I1"),
        (drop_dead, "I1"),
        (forget_a_hand, "I1"),
        (make_twice, "I1"),
        (not_issue, "I1"),
        (book_twice, "I2"),
        (invent, "I3"),
        (invent_by_hand, "I3"),
        (invent_dead, "I3"),
        (count_twice, "I4"),
        (hear_wrong, "I4"),
        (hold_what_fits, "I4"),
        (apply_a_part, "I4"),
        (fund_wrong, "I4"),
        (rewrite, "I7"),
        (rewrite_audit, "I7"),
        (show_wrong, "I8"),
        (audit_twice, "I9"),
        (audit_never, "I9"),
        (act_twice, "I9"),
        (wait_for_call, "I10"),
    ],
)
def test_every_way_to_be_wrong_is_found(tmp_path: Path, spoil: Callable[[Books], None], invariant: str) -> None:
    """One thing is spoilt, and the invariant that forbids it is named."""
    books = right()
    spoil(books)
    assert invariant in rulings(tmp_path / "journal", books)


def test_a_repeat_that_answers_otherwise_is_found(tmp_path: Path) -> None:
    """The same key and body must get the same answer."""
    path = tmp_path / "journal"
    history(path)
    with closing(Journal(path)) as writer:
        writer.again("clerk-0-1", same=False)
    found = judge(journal.read(path), right(), Memory())
    assert "clerk-0-1 (call.pay) was answered differently when it was repeated" in str(found)


def test_a_batch_that_was_cut_is_indefinite(tmp_path: Path) -> None:
    """What stands in the journal and was never answered may have been sent; half a line is nothing."""
    path = tmp_path / "journal"
    with closing(Journal(path)) as writer:
        writer.send([A, BAD])
    with path.open("ab") as file:
        file.write(b'{"t":"sent","batch":1,"pla')
    read = journal.read(path)
    assert (set(read.unsure), read.bad_unsure, read.acked) == ({A.identity}, {BAD}, {})
