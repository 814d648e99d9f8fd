"""What payments keeps: money is conserved, calls are sums of postings, and statuses follow from amounts and dates."""

from typing import Final

from drawdown.check.snapshot import Question

MONEY_CONSERVED: Final = """
select id,
       case when applied_minor::numeric + held_minor + returned_minor + dismissed_minor + reversed_minor <> amount_minor
              or least(applied_minor, held_minor, returned_minor, dismissed_minor, reversed_minor) < 0
            then format('amount %s is not applied %s + held %s + returned %s + dismissed %s + reversed %s',
                        amount_minor, applied_minor, held_minor, returned_minor, dismissed_minor, reversed_minor)
       end as says
  from payments.payment
"""

# Where a payment's row says that its money is, the rows about that money say so too.
MONEY_ACCOUNTED_FOR: Final = """
select p.id,
       case when p.applied_minor <> coalesce(a.net, 0)
            then format('applied %s, its postings sum to %s', p.applied_minor, coalesce(a.net, 0))
            when p.held_minor <> coalesce(h.open, 0)
            then format('held %s, its open holds sum to %s', p.held_minor, coalesce(h.open, 0))
            when p.returned_minor <> coalesce(h.returned, 0)
            then format('returned %s, its holds say %s', p.returned_minor, coalesce(h.returned, 0))
            when p.dismissed_minor <> coalesce(h.dismissed, 0)
            then format('dismissed %s, its holds say %s', p.dismissed_minor, coalesce(h.dismissed, 0))
       end as says
  from payments.payment p
  left join (select payment_id, sum(case kind when 'applied' then amount_minor else -amount_minor end) as net
               from payments.posting
              group by payment_id) a on a.payment_id = p.id
  left join (select payment_id,
                    sum(amount_minor) filter (where resolution is null) as open,
                    sum(amount_minor) filter (where resolution = 'returned') as returned,
                    sum(amount_minor) filter (where resolution = 'dismissed') as dismissed
               from payments.hold
              where payment_id is not null
              group by payment_id) h on h.payment_id = p.id
"""

# A reversal that took effect took its original back whole, and no other did.
REVERSALS: Final = """
select r.id,
       case when o.id is null then 'took effect on no original'
            when o.kind <> 'credit' then format('took back payment %s, which is no credit', o.id)
            when (o.amount_minor, o.currency) <> (r.amount_minor, r.currency)
            then format('took back payment %s of another amount or currency', o.id)
            when o.reversed_minor <> o.amount_minor
            then format('took back payment %s, of which %s of %s is reversed', o.id, o.reversed_minor, o.amount_minor)
            when count(*) over (partition by r.original_id) > 1 then format('payment %s was taken back twice', o.id)
       end as says
  from payments.payment r
  left join payments.payment o on o.id = r.original_id
 where r.kind = 'reversal' and r.reversed_minor > 0
"""

NET_APPLICATIONS: Final = """
select p.id,
       case when a.net > p.amount_minor then format('%s of %s is applied', a.net, p.amount_minor)
            when a.net < 0 then format('more is undone than applied: %s', a.net)
       end as says
  from (select payment_id, sum(case kind when 'applied' then amount_minor else -amount_minor end) as net
          from payments.posting
         group by payment_id) a
  join payments.payment p on p.id = a.payment_id
"""

IDENTITIES_ONCE: Final = """
select min(id) as id,
       case when count(*) > 1 then format('%s is booked %s times', external_id, count(*)) end as says
  from payments.payment
 group by source_id, external_id
"""

UNDOINGS: Final = """
select u.id,
       case when p.id is null then format('undoes posting %s, which is not there', u.undoes)
            when p.kind <> 'applied'
              or (p.payment_id, p.call_id, p.amount_minor) <> (u.payment_id, u.call_id, u.amount_minor)
            then format('undoes posting %s, which is not its like', u.undoes)
            when count(*) over (partition by u.undoes) > 1 then format('posting %s is undone twice', u.undoes)
       end as says
  from payments.posting u
  left join payments.posting p on p.id = u.undoes
 where u.kind = 'undone'
"""

CALLS_ARE_SUMS: Final = """
select c.id,
       case when c.paid_minor <> coalesce(p.net, 0)
            then format('paid %s, its postings sum to %s', c.paid_minor, coalesce(p.net, 0))
            when c.postings <> coalesce(p.made, 0)
            then format('counts %s postings, there are %s', c.postings, coalesce(p.made, 0))
            when c.last_paid_on is distinct from p.last_on
            then format('last paid on %s, its postings say %s',
                        coalesce(c.last_paid_on::text, 'no day'), coalesce(p.last_on::text, 'no day'))
       end as says
  from payments.call c
  left join (select a.call_id,
                    sum(case a.kind when 'applied' then a.amount_minor else -a.amount_minor end) as net,
                    count(*) as made,
                    max(a.value_date) filter (where a.kind = 'applied' and u.id is null) as last_on
               from payments.posting a
               left join payments.posting u on u.undoes = a.id
              group by a.call_id) p on p.call_id = c.id
"""

CALLS_IN_BOUNDS: Final = """
select id,
       case when not (0 <= paid_minor and 0 <= released_minor and paid_minor <= original_minor - released_minor)
            then format('paid %s, released %s, original %s', paid_minor, released_minor, original_minor)
       end as says
  from payments.call
"""

# Section 4, at the business date that the tick stored.
CALL_STATUS: Final = """
select id,
       case when status <> expected then format('is %s, its amounts and dates say %s', status, expected) end as says
  from (select id, status,
               case when cancelled then 'cancelled'
                    when paid_minor = original_minor - released_minor then 'paid'
                    when defaulted then 'defaulted'
                    when business_date > due_on + grace_days then 'overdue'
                    when paid_minor > 0 then 'partially_paid'
                    else 'called'
               end as expected
          from payments.call) c
"""

# The clock declares a default by itself once the cure days are over; a call that it is about to look at is not late.
LAPSED_CALLS: Final = """
select id,
       case when not cancelled and not defaulted and paid_minor < original_minor - released_minor
             and business_date > due_on + grace_days + cure_days and (watch_on is null or watch_on > business_date)
            then format('is not in default on %s, and was due on %s', business_date, due_on)
       end as says
  from payments.call
"""

POSTINGS_OF_VERSIONS: Final = """
select p.id,
       case when p.call_version > c.version
            then format('belongs to version %s of call %s, which has %s', p.call_version, c.id, c.version)
            when p.currency <> c.currency then format('is in %s, call %s in %s', p.currency, c.id, c.currency)
       end as says
  from payments.posting p
  join payments.call c on c.id = p.call_id
"""

# What allocations last heard of a call is what payments last said of it.
RECEIVABLES_HEARD: Final = """
select coalesce(p.id, a.id) as id,
       case when a.id is null then 'is a receivable of no call'
            when p.id is null then case when a.stage = 'issued' then 'is issued, and no receivable' end
            when (p.allocation_id, p.original_minor) <> (a.allocation_id, a.amount_minor)
            then format('allocation %s and %s, amount %s and %s',
                        p.allocation_id, a.allocation_id, p.original_minor, a.amount_minor)
            when (p.version, p.released_minor, p.paid_minor, p.postings, p.status, p.last_paid_on)
                 is distinct from
                 (a.report_version, a.released_minor, a.paid_minor, a.postings, a.receivable_status, a.last_paid_on)
            then format('version %s says paid %s, %s; allocations heard version %s, paid %s, %s',
                        p.version, p.paid_minor, p.status, a.report_version, a.paid_minor, a.receivable_status)
            when p.terms_version <> a.terms_version
            then format('terms version %s, payments knows %s', a.terms_version, p.terms_version)
       end as says
  from payments.call p
  full join allocations.call a on a.id = p.id
"""

HOLDS_WITHOUT_CAUSE: Final = """
select h.id,
       case when h.reason = 'unknown_call' and c.id is not null
            then format('waits for call %s, which is issued', c.id)
            when h.reason = 'unknown_call' and n.call_id is not null
            then format('waits for call %s, which is %s', n.call_id, n.stage)
            when h.reason = 'original_not_found' and o.id is not null
            then format('waits for payment %s, which is there', o.id)
       end as says
  from payments.hold h
  join payments.payment p on p.id = h.payment_id
  left join payments.call c on c.id = coalesce(h.call_id, p.call_id)
  left join payments.plan n on n.call_id = coalesce(h.call_id, p.call_id) and n.stage in ('rejected', 'withdrawn')
  left join payments.payment o on o.source_id = p.source_id and o.external_id = p.reverses and o.id <> p.id
 where h.resolution is null and h.reason in ('unknown_call', 'original_not_found')
"""

QUESTIONS: Final = (
    Question("I1", "amounts are conserved", MONEY_CONSERVED),
    Question("I1", "postings and holds account for every amount", MONEY_ACCOUNTED_FOR),
    Question("I1", "reversals took back their originals whole, once", REVERSALS),
    Question("I2", "net applications are within the payment's amount", NET_APPLICATIONS),
    Question("I2", "identities are booked once", IDENTITIES_ONCE),
    Question("I2", "an application is undone by its like, once", UNDOINGS),
    Question("I4", "postings sum to each call's paid", CALLS_ARE_SUMS),
    Question("I5", "receivables are paid within their amount", CALLS_IN_BOUNDS),
    Question("I6", "status of receivables", CALL_STATUS),
    Question("I6", "the clock's defaults", LAPSED_CALLS),
    Question("I7", "postings belong to versions that exist", POSTINGS_OF_VERSIONS),
)

WHEN_QUIET: Final = (
    Question("I4", "allocations heard what payments said last", RECEIVABLES_HEARD),
    Question("I10", "holds that wait for something that has come", HOLDS_WITHOUT_CAUSE),
)
