"""Makes sheets of history: funds, deals, allocations, calls and payments, and what their totals must come to."""

import csv
import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from shared import currency

COLUMNS: Final = (
    *("type", "fund_key", "deal_key", "allocation_key", "call_key", "payment_id", "name", "currency", "time_zone"),
    *("size", "committed", "created_on", "amount", "due_date", "issued_on", "source", "value_date", "remitter_name"),
    *("kind", "reverses"),
)
SOURCE: Final = "bank/old-ledger"
CODES: Final = ("USD", "EUR", "JPY", "KWD")  # of the funds
_FIRST_DAY: Final = date(2017, 1, 2)
_CALLED: Final = 90_000_00  # minor units of each call
_CALLS: Final = 3  # of each allocation

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class History:
    """A sheet that was written, and what must be funded and called by it, by the fund's name."""

    path: Path
    rows: int
    funded: dict[str, str]
    called: dict[str, str]


def write(path: Path, rows: int, *, seed: int = 1) -> History:
    """Exactly so many rows, a sixtieth of them allocations; each call's credits stay within it, and some are taken
    back. Payments stand in no order."""
    chance = random.Random(seed)
    promises, calls = _promises(max(4, rows // 60))
    funded: Counter[str] = Counter(dict.fromkeys(CODES, 0))
    payments: list[Row] = []
    missing = rows - len(promises)
    while len(payments) < missing:
        call, code, room = calls[len(payments) % len(calls)]
        paid = min(room[0], chance.randint(1, 4_000_00))
        room[0] -= paid
        number = len(payments)
        day = _FIRST_DAY + timedelta(days=chance.randrange(2_000))
        row: Row = {"type": "payment", "source": SOURCE, "currency": code, "value_date": day}
        row |= {"payment_id": f"E{number}", "amount": currency.text(paid, code)}
        payments.append(row | {"call_key": call, "remitter_name": f"LP {number % 40}"})
        funded[code] += paid
        if number % 50 == 7 and len(payments) < missing:
            payments.append(row | {"payment_id": f"R{number}", "kind": "reversal", "reverses": f"E{number}"})
            funded[code] -= paid
            room[0] += paid
    chance.shuffle(payments)
    with path.open("w", newline="", encoding="utf-8") as file:
        sheet = csv.DictWriter(file, COLUMNS)
        sheet.writeheader()
        sheet.writerows([*promises, *payments])
    called = Counter(code for _, code, _ in calls)
    return History(
        path,
        rows,
        {f"Fund {code}": currency.text(funded[code], code) for code in CODES},
        {f"Fund {code}": currency.text(called[code] * _CALLED, code) for code in CODES},
    )


def _promises(allocations: int) -> tuple[list[Row], list[tuple[str, str, list[int]]]]:
    """Rows of all that is promised, and each call with its currency and what may still be paid of it."""
    rows: list[Row] = [
        {
            "type": "fund",
            "fund_key": code,
            "name": f"Fund {code}",
            "currency": code,
            "time_zone": "UTC",
            "size": "900000",
        }
        for code in CODES
    ]
    deals = -(-allocations // len(CODES))
    rows += [{"type": "deal", "deal_key": f"D{n}", "name": f"Deal {n}"} for n in range(deals)]
    made: list[Row] = []
    calls: list[tuple[str, str, list[int]]] = []
    for n in range(allocations):
        code = CODES[n % len(CODES)]
        row: Row = {
            "type": "allocation",
            "allocation_key": f"A{n}",
            "fund_key": code,
            "deal_key": f"D{n // len(CODES)}",
        }
        rows.append(row | {"committed": currency.text(_CALLS * _CALLED, code), "created_on": _FIRST_DAY})
        for place in range(_CALLS):
            due = _FIRST_DAY + timedelta(days=60 + 11 * n % 1_500)
            call: Row = {"type": "call", "call_key": f"A{n}/{place}", "allocation_key": f"A{n}", "due_date": due}
            made.append(call | {"amount": currency.text(_CALLED, code), "issued_on": due - timedelta(days=14)})
            calls.append((f"A{n}/{place}", code, [_CALLED]))
    return [*rows, *made], calls
