"""Reserves: one version for all of a fund's, and the history they are folded from, which is also what was published."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from drawdown.check.published import Change, Figures, Published, checksum
from drawdown.check.snapshot import Question, Snapshot
from drawdown.check.verdicts import Finding, Offender, finding

ONE_VERSION: Final = """
select coalesce(r.fund_id, h.fund_id) as id,
       case when r.fund_id is null then 'has a history, and no reserves'
            when h.fund_id is null then 'has reserves, and no history'
            when r.least <> r.greatest then format('has reserves at versions %s to %s', r.least, r.greatest)
            when r.greatest <> h.newest
            then format('is at version %s, its history ends at %s', r.greatest, h.newest)
       end as says
  from (select fund_id, min(allocation_version) as least, max(allocation_version) as greatest
          from allocations.reserve
         group by fund_id) r
  full join (select fund_id, max(new_version) as newest
               from allocations.reallocation_audit
              group by fund_id) h on h.fund_id = r.fund_id
"""

VERSIONS: Final = """
select format('%s/%s', fund_id, new_version) as id,
       case when new_version <> place then format('is the entry %s of its history', place)
            when baseline_version <> before
            then format('was made from version %s, the one before is %s', baseline_version, before)
       end as says
  from (select fund_id, new_version, baseline_version, row_number() over story as place,
               lag(new_version, 1, 0) over story as before
          from allocations.reallocation_audit
        window story as (partition by fund_id order by new_version)) h
"""

CHANGES: Final = """
select format('%s/%s/%s', fund_id, new_version, company_id) as id,
       case when company_id is null or from_cents is null or to_cents is null then 'does not say what changed'
            when named > 1 then format('is named %s times', named)
            when from_cents <> before then format('was moved from %s, and had %s', from_cents, before)
            when kind = 'reallocation' and place = 1 then 'was moved, and never set up'
       end as says
  from (select a.fund_id, a.new_version, a.kind, c.company_id, c.from_cents, c.to_cents,
               row_number() over story as place, lag(c.to_cents, 1, 0::bigint) over story as before,
               count(*) over (partition by a.fund_id, c.company_id, a.new_version) as named
          from allocations.reallocation_audit a
         cross join jsonb_to_recordset(a.changes_json) as c (company_id bigint, from_cents bigint, to_cents bigint)
        window story as (partition by a.fund_id, c.company_id order by a.new_version)) h
"""

# A cap in a reallocation counts for that one alone; the last set-up that names a company says its cap.
FOLDED: Final = """
with planned as (
    select distinct on (a.fund_id, c.company_id) a.fund_id, c.company_id, c.to_cents as planned
      from allocations.reallocation_audit a
     cross join jsonb_to_recordset(a.changes_json) as c (company_id bigint, to_cents bigint)
     order by a.fund_id, c.company_id, a.new_version desc
), capped as (
    select distinct on (a.fund_id, c.company_id) a.fund_id, c.company_id, c.allocation_cap_cents as cap
      from allocations.reallocation_audit a
     cross join jsonb_to_recordset(a.changes_json) as c (company_id bigint, allocation_cap_cents bigint)
     where a.kind = 'set_up'
     order by a.fund_id, c.company_id, a.new_version desc
)
select format('%s/%s', coalesce(r.fund_id, p.fund_id), coalesce(r.company_id, p.company_id)) as id,
       case when r.fund_id is null then 'is in the history only'
            when p.fund_id is null then 'is in no history'
            when r.planned_reserves_minor is distinct from p.planned
            then format('plans %s, its history comes to %s', r.planned_reserves_minor, p.planned)
            when r.allocation_cap_minor is distinct from c.cap
            then format('has the cap %s, its history says %s',
                        coalesce(r.allocation_cap_minor::text, 'none'), coalesce(c.cap::text, 'none'))
       end as says
  from allocations.reserve r
  full join planned p on p.fund_id = r.fund_id and p.company_id = r.company_id
  left join capped c on c.fund_id = r.fund_id and c.company_id = r.company_id
"""

SCHEDULES_DONE: Final = """
select s.id,
       case when count(*) <> count(a.id)
            then format('%s of its %s commits stand in no history as they were scheduled',
                        count(*) - count(a.id), count(*))
       end as says
  from allocations.scheduled_reallocation s
 cross join lateral rows from (unnest(s.audit_ids), jsonb_array_elements(s.commits)) as done (audit_id, told)
  left join allocations.reallocation_audit a
    on a.id = done.audit_id
   and a.kind = 'reallocation'
   and a.fund_id = (done.told ->> 'fund_id')::bigint
   and a.baseline_version = (done.told ->> 'current_version')::int
 where s.status = 'done'
 group by s.id
"""

# By the database's clock: services run a schedule within seconds of its time, and catch up as soon as they are back.
SCHEDULES_DUE: Final = """
select id,
       case when run_at < now() - interval '1 minute' then format('was due at %s, and waits', run_at) end as says
  from allocations.scheduled_reallocation
 where status = 'waiting'
"""

HISTORY: Final = """
select a.fund_id, a.new_version, a.id::text as audit_id, a.kind, f.currency, a.baseline_version,
       a.changes_json::text as changes, a.reason, a.user_id
  from allocations.reallocation_audit a
  join allocations.fund f on f.id = a.fund_id
 order by a.fund_id, a.new_version
"""
_PREFETCH_ROWS: Final = 20  # each may name ten thousand companies


async def figures(db: Snapshot, published: Published) -> Finding:
    """Every version of every fund's reserves was published with the figures that its history comes to, and no other."""
    left, rows, offenders = dict(published.reserves), 0, []
    fund, planned = 0, dict[int, int]()
    async for row in db.cursor(HISTORY, prefetch=_PREFETCH_ROWS):
        rows += 1
        if row["fund_id"] != fund:
            fund, planned = row["fund_id"], {}
        expected = _folded(planned, row)
        told = left.pop((fund, row["new_version"]), None)
        if told != expected:
            offenders.append(Offender(f"{fund}/{row['new_version']}", _differs(told, expected)))
    offenders += [Offender(f"{id_}/{version}", "was published, and is in no history") for id_, version in sorted(left)]
    return finding("I7", "figures on reserve.reallocated", rows, offenders)


def _folded(planned: dict[int, int], row: Any) -> Figures:
    """What the next version of a fund comes to; `planned` has its companies before it, and then after it."""
    changes: Sequence[Change] = [
        (change["company_id"], change["from_cents"], change["to_cents"]) for change in orjson.loads(row["changes"])
    ]
    total_before = sum(planned.values())
    planned.update({company: after for company, _, after in changes})
    return Figures(
        audit_id=row["audit_id"],
        kind=row["kind"],
        currency=row["currency"],
        baseline_version=row["baseline_version"],
        total_before=total_before,
        total_after=sum(planned.values()),
        companies=len(planned),
        changes=checksum(changes),
        reason=row["reason"],
        user_id=row["user_id"],
    )


def _differs(told: Figures | None, expected: Figures) -> str:
    if told is None:
        return "was never published"
    wrong = [name for name, ours, theirs in zip(Figures._fields, expected, told, strict=True) if ours != theirs]
    return f"was published with other figures: {', '.join(wrong)}"


QUESTIONS: Final = (
    Question("I13", "reserves of a fund have one version", ONE_VERSION),
    Question("I13", "the history of reserves is without a gap", VERSIONS),
    Question("I13", "changes of reserves follow from each other", CHANGES),
    Question("I13", "reserves are what their history comes to", FOLDED),
    Question("I13", "schedules that are done stand in the history", SCHEDULES_DONE),
)

WHEN_QUIET: Final = (Question("I13", "schedules are run when they are due", SCHEDULES_DUE),)
