"""What allocations keeps: amounts per allocation are sums over its calls, in order, with the status that follows."""

from typing import Final

from drawdown.check.snapshot import Question

AMOUNTS_IN_ORDER: Final = """
select id,
       case when not (0 <= funded_minor and funded_minor <= called_minor
                      and called_minor <= planned_minor and planned_minor <= committed_minor)
            then format('funded %s, called %s, planned %s, committed %s',
                        funded_minor, called_minor, planned_minor, committed_minor)
       end as says
  from allocations.allocation
"""

CALLS_IN_BOUNDS: Final = """
select id,
       case when not (0 <= paid_minor and 0 <= released_minor and paid_minor <= amount_minor - released_minor)
            then format('paid %s, released %s, amount %s', paid_minor, released_minor, amount_minor)
       end as says
  from allocations.call
"""

SUMS_OVER_CALLS: Final = """
select a.id,
       case when (a.planned_minor, a.called_minor, a.funded_minor)
                 is distinct from (coalesce(c.planned, 0), coalesce(c.called, 0), coalesce(c.funded, 0))
            then format('planned %s, called %s, funded %s; its calls sum to %s, %s, %s',
                        a.planned_minor, a.called_minor, a.funded_minor,
                        coalesce(c.planned, 0), coalesce(c.called, 0), coalesce(c.funded, 0))
       end as says
  from allocations.allocation a
  left join (select allocation_id,
                    sum(amount_minor - released_minor)
                        filter (where stage in ('pending_approval', 'scheduled', 'issued')
                                  and receivable_status is distinct from 'cancelled') as planned,
                    sum(amount_minor - released_minor)
                        filter (where stage = 'issued' and receivable_status is distinct from 'cancelled') as called,
                    sum(paid_minor) as funded
               from allocations.call
              group by allocation_id) c on c.allocation_id = a.id
"""

# Section 3: the first that holds.
ALLOCATION_STATUS: Final = """
select id,
       case when status <> expected then format('is %s, its amounts say %s', status, expected) end as says
  from (select id, status,
               case when called_minor = 0 then 'committed'
                    when funded_minor = committed_minor then 'funded'
                    when funded_minor > 0 and not fresh then 'partially_funded'
                    when called_minor = committed_minor then 'called'
                    else 'partially_called'
               end as expected
          from allocations.allocation) a
"""

CALL_NUMBERS: Final = """
select allocation_id as id,
       case when min(seq_no) <> 1 or max(seq_no) <> count(*) or count(distinct seq_no) <> count(*)
            then 'its calls are not numbered 1, 2, 3…' end as says
  from allocations.call
 group by allocation_id
"""

QUESTIONS: Final = (
    Question("I5", "amounts of allocations are in order", AMOUNTS_IN_ORDER),
    Question("I5", "calls are paid within their amount", CALLS_IN_BOUNDS),
    Question("I4", "calls sum to planned, called and funded", SUMS_OVER_CALLS),
    Question("I6", "status of allocations", ALLOCATION_STATUS),
    Question("I7", "calls of an allocation are numbered without a gap", CALL_NUMBERS),
)
