"""B and E, once more: amounts, days and schedules in the bodies of requests."""

from typing import Any, Final

from tests.corpus.asking import Ask, Refuse, Take
from tests.corpus.wording import ALLOCATION, CALLS, GOOD, PAY, RIGHT, write, wrong
from tests.support.desk import DUE

_DAYS: Final = [
    wrong(f"value-date-{name}", "value_date", value_date=text)
    for name, text in {
        "that-is-none": "2026-02-29",
        "with-time": "2026-03-02T00:00:00Z",
        "basic": "20260302",
        "american": "03/02/2026",
        "as-seconds": 1772409600,
        "as-text-of-seconds": "1772409600",
        "in-arabic-digits": "٢٠٢٦-٠٣-٠٢",
        "in-year-10000": "10000-01-01",
        "empty": "",
        "with-newline": "2026-03-02\n",
    }.items()
] + [
    wrong(f"due-date-{name}", "due_date", CALLS, due_date=text)
    for name, text in {
        "that-is-none": "2031-02-29",
        "of-long-ago": "1899-12-31",
        "of-far-ahead": "3000-01-01",
        "null": None,
    }.items()
]


def schedule(id: str, code: str, at: str, **schedule: Any) -> Ask:
    return Ask(id, "POST", "/api/allocations", Refuse(422, code, at), {**ALLOCATION, "schedule": schedule})


_TRANCHE: Final = {"percent": "50", "due_date": DUE}
_SCHEDULES: Final = [
    schedule("cadence-that-is-none", "invalid_value", "schedule", cadence="daily", first_due_date=DUE, count=1),
    schedule("no-cadence", "invalid_value", "schedule", due_date=DUE),
    schedule("no-calls", "invalid_value", "count", cadence="monthly", first_due_date=DUE, count=0),
    schedule("601-calls", "invalid_value", "count", cadence="monthly", first_due_date=DUE, count=601),
    schedule("half-a-call", "invalid_value", "count", cadence="monthly", first_due_date=DUE, count=1.5),
    schedule(
        "past-the-last-year", "invalid_schedule", "schedule", cadence="annual", first_due_date="2990-01-01", count=600
    ),
    schedule("no-tranches", "invalid_value", "tranches", cadence="custom", tranches=[]),
    schedule(
        "percent-as-a-number", "invalid_value", "percent", cadence="custom", tranches=[{**_TRANCHE, "percent": 50}]
    ),
    schedule(
        "percent-of-five-decimals",
        "invalid_value",
        "percent",
        cadence="custom",
        tranches=[{**_TRANCHE, "percent": "33.33333"}],
    ),
    schedule(
        "percent-above-100", "invalid_value", "percent", cadence="custom", tranches=[{**_TRANCHE, "percent": "100.01"}]
    ),
    schedule(
        "negative-percent", "invalid_value", "percent", cadence="custom", tranches=[{**_TRANCHE, "percent": "-1"}]
    ),
    schedule("percents-above-100", "invalid_schedule", "schedule", cadence="custom", tranches=[_TRANCHE] * 3),
    schedule(
        "percents-and-amounts",
        "invalid_schedule",
        "schedule",
        cadence="custom",
        tranches=[_TRANCHE, {"amount": "0.50", "due_date": DUE}],
    ),
    schedule(
        "neither-percent-nor-amount", "invalid_schedule", "schedule", cadence="custom", tranches=[{"due_date": DUE}]
    ),
]

# ---- B, once more: amounts in every body that has one

_AMOUNTS: Final = {
    "underscore": "1_0",
    "full-width": "１0",
    "arabic": "١٠",
    "plus": "+1",
    "minus": "-1",
    "space": " 1",
    "newline": "1\n",
    "comma": "1,00",
    "thousands": "1,000.00",
    "exponent": "1e0",
    "decimal-number": 0.01,
    "decimal-number-of-whole-units": 1.0,
    "point-behind": "1.",
    "point-before": ".01",
    "nan": "NaN",
    "sixteen-digits": "1000000000000000",
    "integer-beyond": 10**15,
    "five-decimals": "0.00001",
    "negative-integer": -1,
    "empty": "",
    "true": True,
    "null": None,
    "array": ["1"],
    "hexadecimal": "0x1",
}


def _amounts(of: str, path: str, member: str) -> list[Ask]:
    """Each bad amount as `member` of the body, beside zero and a decimal too many."""
    right = RIGHT[path]
    refused = Refuse(422, "invalid_value", member)
    asks = [Ask(f"{of}-{name}", "POST", path, refused, {**right, member: amount}) for name, amount in _AMOUNTS.items()]
    too_fine = Refuse(422, "invalid_amount", member)
    asks.append(Ask(f"{of}-three-decimals", "POST", path, too_fine, {**right, member: "1.001"}))
    asks.append(Ask(f"{of}-zero", "POST", path, refused, {**right, member: "0.00"}))
    return asks


def yen(id: str, amount: str) -> Ask:
    """A payment of yen, which have no cents."""
    path = "/api/capital-calls/{yen_call}/payments"
    return Ask(id, "POST", path, Refuse(422, "invalid_amount", "amount"), {**GOOD, "amount": amount})


CASES: Final = [
    *_DAYS,
    *_SCHEDULES,
    *_amounts("payment", PAY, "amount"),
    *_amounts("call", CALLS, "amount"),
    *_amounts("commitment", "/api/allocations", "committed"),
    *_amounts("fund", "/api/funds", "size"),
    yen("yen-with-cents", "1.50"),
    yen("yen-with-no-cents", "1.00"),
    write("whole-units-as-an-integer", Take(201), {**GOOD, "amount": 1, "tx_ref": "integer"}),
    write("camel-case", Take(201), {"amount": "0.01", "txRef": "camel", "value_date": "2026-03-02"}),
]
