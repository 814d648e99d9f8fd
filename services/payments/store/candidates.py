"""SQL of matching: the open calls that held money may be for, whose money came before, and what waits beside it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.payments.domain import Call
from services.payments.matching import MATCHED, Found, Held, Known, Other, Sign, totals
from services.payments.store.calls import CALL
from shared.ids import AllocationId, CallId, FundId, PaymentId
from shared.money import Minor
from shared.postgres import Connection


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """Rows as the columns that statements take."""
    return [list(column) for column in zip(*rows, strict=True)]


_MOST_KNOWN: Final = 5  # allocations of a remitter whose open calls are looked at; a custodian pays for hundreds

# Few funds have a tolerance, and an index of their own tells which.
TOLERANCES: Final = """
select p.fund_id, f.currency, p.short_tolerance_minor
  from payments.fund_policy p
  join payments.fund f on f.id = p.fund_id
 where p.short_tolerance_minor > 0
"""


async def _tolerances(db: Connection) -> tuple[dict[FundId, Minor], dict[str, Minor]]:
    """How much a call may be short by, for each fund that allows any, and the most of it in each currency."""
    by_fund: dict[FundId, Minor] = {}
    most: dict[str, Minor] = {}
    for fund_id, currency, tolerance in await db.fetch(TOLERANCES):
        by_fund[fund_id] = tolerance
        most[currency] = max(tolerance, most.get(currency, Minor(0)))
    return by_fund, most


# Neither who is known nor who waits beside depends on the order in which payments came: value dates and the banks' own
# ids put them in order, our own numbers never do.
KNOWN_REMITTERS: Final = """
select asked.payment_id, p.account_hash is not null as by_account, c.allocation_id, c.fund_id, count(*) as times
  from unnest($1::bigint[]) as asked (payment_id)
  join payments.payment p on p.id = asked.payment_id and (p.account_hash is not null or p.remitter_name is not null)
 cross join lateral (
       select q.id, q.booked_to
         from payments.payment q
        where payments.remitter_key(q.account_hash, q.remitter_name)
              = payments.remitter_key(p.account_hash, p.remitter_name)
          and (q.account_hash is not null or q.remitter_name is not null)
          and q.account_hash is not distinct from p.account_hash and q.applied_minor > 0 and q.id <> p.id
        order by q.value_date desc, q.external_id
        limit 100) before
 cross join lateral (
       select before.id, before.booked_to as call_id where before.booked_to is not null
        union all
       select o.id, o.call_id from payments.later_posting o where o.payment_id = before.id and o.kind = 'applied'
       ) applied
  join payments.call c on c.id = applied.call_id
 where not exists (select from payments.later_posting u where u.undoes = applied.id)
 group by asked.payment_id, by_account, c.allocation_id, c.fund_id
 order by asked.payment_id, times desc, c.allocation_id
"""


async def _known(db: Connection, payment_ids: Sequence[PaymentId]) -> Mapping[PaymentId, list[Known]]:
    """The allocations that each remitter paid before, in the last hundred payments of theirs, the most paid first."""
    found: defaultdict[PaymentId, list[Known]] = defaultdict(list)
    for payment_id, by_account, allocation_id, fund_id, times in await db.fetch(KNOWN_REMITTERS, payment_ids):
        sign = Sign.KNOWN_ACCOUNT if by_account else Sign.KNOWN_NAME
        found[payment_id].append(Known(sign, allocation_id, fund_id, times))
    return found


WAITING_BESIDE: Final = """
select asked.payment_id, beside.id, beside.amount_minor
  from unnest($1::bigint[]) as asked (payment_id)
  join payments.payment p on p.id = asked.payment_id
 cross join lateral (
       select q.id, h.amount_minor, q.value_date, q.external_id
         from payments.payment q
         join payments.hold h on h.payment_id = q.id and h.resolution is null
        where q.source_id = p.source_id
          and payments.remitter_key(q.account_hash, q.remitter_name)
              = payments.remitter_key(p.account_hash, p.remitter_name)
          and q.held_minor > 0 and q.account_hash is not distinct from p.account_hash
          and q.value_date between p.value_date - 31 and p.value_date + 31
          and q.currency = p.currency and q.kind = 'credit' and q.id <> p.id and h.reason = any($2::text[])
        order by q.value_date, q.external_id
        limit 12) beside
 order by asked.payment_id, beside.value_date, beside.external_id
"""


async def _waiting_beside(db: Connection, payment_ids: Sequence[PaymentId]) -> Mapping[PaymentId, list[Other]]:
    """Other money on hold of each payment's source and remitter, of the same month or so."""
    found: defaultdict[PaymentId, list[Other]] = defaultdict(list)
    reasons = sorted(str(reason) for reason in MATCHED)
    for payment_id, other_id, amount in await db.fetch(WAITING_BESIDE, payment_ids, reasons):
        found[payment_id].append(Other(other_id, amount))
    return found


CALLS_BY_ID: Final = f"""
select {CALL}
  from payments.call
 where id = any($1::bigint[])
"""  # noqa: S608  (columns of ours)


async def _by_id(db: Connection, ids: Collection[CallId]) -> dict[CallId, Call]:
    return {row[0]: Call(*row) for row in await db.fetch(CALLS_BY_ID, sorted(ids))} if ids else {}


# The whole amount of a call is in an index; what is outstanding cannot be, since every payment would move it there. The
# calendar's first and last day stand as infinite, and nothing can be subtracted from them.
_UNPAID: Final = """
                   and paid_minor = 0 and released_minor = 0 and not cancelled
                   and (asked.fund_id is null or fund_id = asked.fund_id)
"""

CALLS_OF_AMOUNT: Final = f"""
select asked.payment_id, c.*
  from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::date[], $6::bigint[])
    as asked (payment_id, currency, low, high, value_date, fund_id)
 cross join lateral (
       select near.*
         from ((select {CALL}
                  from payments.call
                 where currency = asked.currency and original_minor = asked.low and due_on <= asked.value_date {_UNPAID}
                 order by due_on desc, id desc
                 limit 20)
                union all
               (select {CALL}
                  from payments.call
                 where currency = asked.currency and original_minor = asked.low and due_on > asked.value_date {_UNPAID}
                 order by due_on, id
                 limit 20)
                union all
               (select {CALL}
                  from payments.call
                 where currency = asked.currency and original_minor > asked.low and original_minor <= asked.high
                   {_UNPAID}
                   and original_minor - asked.low <= (select t.short_tolerance_minor
                                                        from payments.fund_policy t where t.fund_id = call.fund_id)
                 order by original_minor, due_on, id
                 limit 20)) near
        order by near.original_minor <> asked.low,
                 case when isfinite(near.due_on) and isfinite(asked.value_date)
                      then abs(near.due_on - asked.value_date) end, near.due_on, near.id
        limit 20) c
"""  # noqa: S608  (columns of ours)


async def _of_amount(
    db: Connection,
    held: Sequence[Held],
    others: Mapping[PaymentId, Sequence[Other]],
    tolerances: Mapping[str, Minor],
) -> list[tuple[PaymentId, Call]]:
    """Unpaid calls that demand just what is on hold, or a little more, or what it makes with others beside it."""
    asked: list[tuple[object, ...]] = []
    for one in held:
        high = one.amount + tolerances.get(one.currency, 0)
        asked.append((one.payment_id, one.currency, one.amount, high, one.value_date, one.fund_id))
        sums = totals(one.amount, [other.amount for other in others.get(one.payment_id, ())])
        asked += [(one.payment_id, one.currency, total, total, one.value_date, one.fund_id) for total in sums]
    return [(row[0], Call(*row[1:])) for row in await db.fetch(CALLS_OF_AMOUNT, *_columns(asked))]


_OWNERS: Final = """
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::date[])
    as asked (payment_id, owner_id, currency, low, high, value_date)
"""
_DUE_BEFORE: Final = "due_on <= asked.value_date order by due_on desc, id desc limit 500"
_DUE_AFTER: Final = "due_on > asked.value_date order by due_on, id limit 500"
_OPEN: Final = """
        where near.currency = asked.currency and not near.cancelled
          and near.original_minor - near.released_minor - near.paid_minor > 0
        order by near.original_minor - near.released_minor - near.paid_minor not between asked.low and asked.high,
                 case when isfinite(near.due_on) and isfinite(asked.value_date)
                      then abs(near.due_on - asked.value_date) end, near.due_on, near.id
        limit 20
"""

OPEN_CALLS_OF_FUND: Final = f"""
select asked.payment_id, c.*
{_OWNERS}
 cross join lateral (
       select near.*
         from ((select {CALL} from payments.call where fund_id = asked.owner_id and {_DUE_BEFORE})
                union all
               (select {CALL} from payments.call where fund_id = asked.owner_id and {_DUE_AFTER})) near
       {_OPEN}) c
"""  # noqa: S608  (columns of ours)

OPEN_CALLS_OF_ALLOCATION: Final = f"""
select asked.payment_id, c.*
{_OWNERS}
 cross join lateral (
       select near.*
         from ((select {CALL} from payments.call where allocation_id = asked.owner_id and {_DUE_BEFORE})
                union all
               (select {CALL} from payments.call where allocation_id = asked.owner_id and {_DUE_AFTER})) near
       {_OPEN}) c
"""  # noqa: S608  (columns of ours)


async def _open_calls(
    db: Connection,
    statement: str,
    asked: Mapping[PaymentId, Collection[FundId] | Collection[AllocationId]],
    held: Mapping[PaymentId, Held],
    tolerances: Mapping[str, Minor],
) -> list[tuple[PaymentId, Call]]:
    """Open calls of funds or allocations, the fitting ones first, then those due nearest to the value date."""
    rows: list[tuple[object, ...]] = []
    for payment_id, owner_ids in asked.items():
        one = held[payment_id]
        high = one.amount + tolerances.get(one.currency, 0)
        about = one.currency, one.amount, high, one.value_date
        rows += [(payment_id, owner_id, *about) for owner_id in sorted(owner_ids)]
    if not rows:
        return []
    return [(row[0], Call(*row[1:])) for row in await db.fetch(statement, *_columns(rows))]


async def look_around(db: Connection, held: Sequence[Held]) -> dict[PaymentId, Found]:
    """What there is to match each held payment with; a handful of statements for all of them together."""
    if not held:
        return {}
    asked = {one.payment_id: one for one in held}
    by_fund, reach = await _tolerances(db)
    known = await _known(db, list(asked))
    others = await _waiting_beside(db, list(asked))
    spoken_of = await _by_id(db, {call_id for one in held for call_id in one.said.calls})
    said = {
        one.payment_id: [spoken_of[call_id] for call_id in sorted(one.said.calls) if call_id in spoken_of]
        for one in held
    }
    funds = {one.payment_id: _funds(one, said[one.payment_id], known.get(one.payment_id, ())) for one in held}
    allocations = {
        payment_id: {before.allocation_id for before in known.get(payment_id, ())[:_MOST_KNOWN]} for payment_id in asked
    }
    calls: defaultdict[PaymentId, list[Call]] = defaultdict(list, said)
    for payment_id, call in (
        *await _of_amount(db, held, others, reach),
        *await _open_calls(db, OPEN_CALLS_OF_FUND, funds, asked, reach),
        *await _open_calls(db, OPEN_CALLS_OF_ALLOCATION, allocations, asked, reach),
    ):
        calls[payment_id].append(call)
    return {
        payment_id: Found(
            tuple(calls[payment_id]), tuple(known.get(payment_id, ())), tuple(others.get(payment_id, ())), by_fund
        )
        for payment_id in asked
    }


def _funds(held: Held, said: Sequence[Call], known: Sequence[Known]) -> set[FundId]:
    """The funds that the money may be for: that of its account, else all that anything points to."""
    if held.fund_id is not None:
        return {held.fund_id}
    hint = () if held.hint_fund_id is None else (held.hint_fund_id,)
    return {*hint, *(call.fund_id for call in said), *(before.fund_id for before in known[:_MOST_KNOWN])}
