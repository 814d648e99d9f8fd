"""Histories of payments whose outcome is known beforehand: a seed gives the entries and what they must come to.

Each call's credits sum to at most its amount, identities do not conflict and nothing is cancelled, so the outcome does
not depend on order, duplication or batching. Over-payments are larger than their whole call, and so always held.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class OpenCall:
    """An issued call that a history may pay."""

    id: int
    allocation_id: int
    fund_id: int
    amount_minor: int
    reference: str


@dataclass(slots=True)
class History:
    """Entries to publish, as (key, bytes), and the cents that each call must have in the end."""

    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    paid_minor: dict[int, int] = field(default_factory=dict)
    held: int = 0
    unreadable: int = 0
    distinct: int = 0


def history(
    calls: Sequence[OpenCall], *, payments: int, seed: int, source: str = "bank/history-usd", currency: str = "USD"
) -> History:
    """About `payments` entries over `calls`: exact and partial payments, 5 % duplicates, 1 % over-payments, 0.5 %
    reversals, some unreadable records, all shuffled. Amounts are of a currency with two decimals."""
    chance = random.Random(seed)
    done = History(paid_minor=dict.fromkeys((call.id for call in calls), 0))
    entries: list[tuple[bytes, dict[str, object]]] = []
    each = max(payments // len(calls), 1)
    for call in calls:
        _pay(chance, done, entries, call, each, source, currency)
    records = [(key, json.dumps(entry).encode()) for key, entry in entries]
    done.distinct = len(records)
    duplicates = chance.sample(records, len(records) // 20)
    garbage = [(b"x", bytes([0xFF]) + str(n).encode()) for n in range(max(payments // 10_000, 1))]
    done.unreadable = len(garbage)
    done.records = [*records, *duplicates, *garbage]
    chance.shuffle(done.records)
    return done


def _pay(
    chance: random.Random,
    done: History,
    entries: list[tuple[bytes, dict[str, object]]],
    call: OpenCall,
    count: int,
    source: str,
    currency: str,
) -> None:
    whole = call.amount_minor if chance.random() < 0.4 else chance.randrange(count, call.amount_minor)
    cuts = sorted(chance.sample(range(1, whole), count - 1)) if count > 1 else []
    parts = [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]
    for n, part in enumerate(parts):
        payment_id = f"{call.id}-{n}"
        key, entry = _entry(chance, call, payment_id, part, source, currency)
        entries.append((key, entry))
        done.paid_minor[call.id] += part
        if chance.random() < 0.005:
            reversal = {**entry, "payment_id": f"{payment_id}-r", "kind": "reversal", "reverses": payment_id}
            entries.append((key, reversal))
            done.paid_minor[call.id] -= part
    if chance.random() < min(0.01 * count, 1):
        key, entry = _entry(chance, call, f"{call.id}-over", call.amount_minor + 1, source, currency)
        entries.append((key, entry))
        done.held += 1


def _entry(
    chance: random.Random, call: OpenCall, payment_id: str, amount_minor: int, source: str, currency: str
) -> tuple[bytes, dict[str, object]]:
    entry: dict[str, object] = {
        "source": source,
        "payment_id": payment_id,
        "kind": "credit",
        "amount": f"{amount_minor // 100}.{amount_minor % 100:02d}",
        "currency": currency,
        "value_date": (date(2025, 1, 1) + timedelta(days=chance.randrange(400))).isoformat(),
    }
    if chance.random() < 0.5:
        entry["call_id"] = call.id
    else:
        entry["remittance"] = f"capital call {call.reference.lower()} thank you"
    return str(call.id).encode(), entry
