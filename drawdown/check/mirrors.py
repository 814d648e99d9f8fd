"""What metrics shows: each read model's row against the rows of the ledger that it was folded from."""

from typing import Final

from drawdown.check.snapshot import Question

FUNDS: Final = """
select coalesce(l.id, m.id) as id,
       case when l.id is null then 'is in metrics only'
            when m.id is null then 'is not in metrics'
            when (l.name, l.currency, l.time_zone, l.size_minor, l.version)
                 is distinct from (m.name, m.currency, m.time_zone, m.size_minor, m.version)
            then format('%s in the ledger, %s in metrics', l, m)
       end as says
  from allocations.fund l
  full join metrics.fund m on m.id = l.id
"""

DEALS: Final = """
select coalesce(l.id, m.id) as id,
       case when l.id is null then 'is in metrics only'
            when m.id is null then 'is not in metrics'
            when (l.name, l.stage, l.version) is distinct from (m.name, m.stage, m.version)
            then format('%s in the ledger, %s in metrics', l, m)
       end as says
  from allocations.deal l
  full join metrics.deal m on m.id = l.id
"""

ALLOCATIONS: Final = """
select coalesce(l.id, m.id) as id,
       case when l.id is null then 'is in metrics only'
            when m.id is null then 'is not in metrics'
            when (l.fund_id, l.deal_id, l.currency) <> (m.fund_id, m.deal_id, m.currency)
            then 'belongs elsewhere in metrics'
            when (l.committed_minor, l.planned_minor, l.called_minor, l.funded_minor)
                 <> (m.committed_minor, m.planned_minor, m.called_minor, m.funded_minor)
            then format('committed %s, planned %s, called %s, funded %s; metrics shows %s, %s, %s, %s',
                        l.committed_minor, l.planned_minor, l.called_minor, l.funded_minor,
                        m.committed_minor, m.planned_minor, m.called_minor, m.funded_minor)
            when (l.status, l.version) <> (m.status, m.version)
            then format('version %s is %s; metrics shows version %s, %s', l.version, l.status, m.version, m.status)
            when m.funding_status <> case when l.funded_minor = 0 then 'committed'
                                          when l.funded_minor < l.committed_minor then 'partially_paid'
                                          else 'funded' end
            then format('metrics shows %s', m.funding_status)
       end as says
  from allocations.allocation l
  full join metrics.allocation m on m.id = l.id
"""

CALL_TERMS: Final = """
select coalesce(l.id, m.id) as id,
       case when l.id is null then 'is in metrics only'
            when m.id is null then 'is not in metrics'
            when (l.allocation_id, a.fund_id, a.deal_id, l.seq_no, a.currency)
                 is distinct from (m.allocation_id, m.fund_id, m.deal_id, m.seq_no, m.currency)
            then 'belongs elsewhere in metrics'
            when (l.amount_minor, l.due_date, l.notice_date, l.issued_on, l.stage, l.terms_version)
                 is distinct from (m.planned_minor, m.due_date, m.notice_date, m.issued_on, m.stage, m.terms_version)
            then format('terms %s: %s due %s, %s; metrics shows %s: %s due %s, %s',
                        l.terms_version, l.amount_minor, l.due_date, l.stage,
                        m.terms_version, m.planned_minor, m.due_date, m.stage)
       end as says
  from allocations.call l
  join allocations.allocation a on a.id = l.allocation_id
  full join metrics.call m on m.id = l.id
"""

RECEIVABLES: Final = """
select coalesce(l.id, m.id) as id,
       case when l.id is null then 'is in metrics only'
            when m.id is null then 'is not in metrics'
            when (l.original_minor, l.released_minor, l.original_minor - l.released_minor, l.paid_minor, l.last_paid_on,
                  l.status, l.postings, l.due_on, l.reference, l.version)
                 is distinct from (m.original_minor, m.released_minor, m.amount_minor, m.paid_minor, m.last_paid_on,
                                   m.status, m.postings, m.due_date, m.reference, m.version)
            then format('version %s: paid %s, %s; metrics shows version %s: paid %s, %s',
                        l.version, l.paid_minor, l.status, m.version, m.paid_minor, m.status)
       end as says
  from payments.call l
  full join (select * from metrics.call where version > 0) m on m.id = l.id
"""

HOLDS: Final = """
select coalesce(l.id, m.id) as id,
       case when l.id is null then 'is in metrics only'
            when m.id is null then 'is not in metrics'
            when (l.amount_minor, l.reason, l.state, l.resolution, l.version)
                 is distinct from (m.amount_minor, m.reason, m.state, m.resolution, m.version)
            then format('version %s: %s, %s; metrics shows version %s: %s, %s',
                        l.version, l.reason, l.state, m.version, m.reason, m.state)
       end as says
  from payments.hold l
  full join metrics.hold m on m.id = l.id
"""

RESERVES: Final = """
select coalesce(l.id, m.id) as id,
       case when l.id is null then 'is in metrics only'
            when m.id is null then 'is not in metrics'
            when (l.currency, l.planned, l.companies, l.version)
                 is distinct from (m.currency, m.planned_minor, m.companies, m.version)
            then format('version %s: %s for %s companies; metrics shows version %s: %s for %s',
                        l.version, l.planned, l.companies, m.version, m.planned_minor, m.companies)
       end as says
  from (select f.id, f.currency, sum(r.planned_reserves_minor) as planned, count(*) as companies,
               max(r.allocation_version) as version
          from allocations.reserve r
          join allocations.fund f on f.id = r.fund_id
         group by f.id) l
  full join metrics.fund_reserves m on m.id = l.id
"""

# Fund totals as people read them, from the ledger on one side and from the read model on the other.
FUND_TOTALS: Final = """
with ledger as (
    select f.id, sum(a.committed_minor) as committed, sum(a.planned_minor) as planned,
           sum(a.called_minor) as called, sum(a.funded_minor) as funded, max(o.overdue) as overdue
      from allocations.fund f
      left join allocations.allocation a on a.fund_id = f.id
      left join (select fund_id, sum(original_minor - released_minor - paid_minor) as overdue
                   from payments.call
                  where status in ('overdue', 'defaulted')
                  group by fund_id) o on o.fund_id = f.id
     group by f.id
), metrics as (
    select f.id, sum(a.committed_minor) as committed, sum(a.planned_minor) as planned,
           sum(a.called_minor) as called, sum(a.funded_minor) as funded, max(o.overdue) as overdue
      from metrics.fund f
      left join metrics.allocation a on a.fund_id = f.id
      left join (select fund_id, sum(amount_minor - paid_minor) as overdue
                   from metrics.call
                  where status in ('overdue', 'defaulted')
                  group by fund_id) o on o.fund_id = f.id
     group by f.id
)
select l.id,
       case when l is distinct from m then format('ledger %s, metrics %s', l, m) end as says
  from ledger l
  left join metrics m on m.id = l.id
"""

WHEN_QUIET: Final = (
    Question("I8", "funds", FUNDS),
    Question("I8", "deals", DEALS),
    Question("I8", "allocations", ALLOCATIONS),
    Question("I8", "terms of calls", CALL_TERMS),
    Question("I8", "receivables", RECEIVABLES),
    Question("I8", "holds", HOLDS),
    Question("I8", "reserves", RESERVES),
    Question("I8", "totals of funds", FUND_TOTALS),
)
