-- migrate:up

-- Who reports entries, on which account, by a configured name. Numbered, so that identities stay short.
create table payments.source (
    id   int  generated always as identity primary key,
    name text not null constraint source_name unique
);

-- Every entry, once, for ever. Where its money is stands in five columns that always sum to its amount. Where it was
-- applied whole when it was booked, the row is that posting too, under the payment's own number.
create table payments.payment (
    id              bigint      primary key,
    source_id       int         not null,
    external_id     text        not null,
    kind            text        not null check (kind in ('credit', 'reversal')),
    amount_minor    bigint      not null check (amount_minor > 0),
    currency        text        not null,
    value_date      date        not null,
    call_id         bigint,
    reference       text,
    remittance      text,
    reverses        text,
    remitter_name   text,
    account_hash    bytea,
    account_last4   text,
    method          text,
    booked_at       timestamptz,
    recorded_at     timestamptz not null,
    booked_to       bigint,     -- the call that it was applied to when it was booked,
    booked_version  bigint,     -- and the version of that call which tells so
    original_id     bigint      references payments.payment,
    applied_minor   bigint      not null check (applied_minor >= 0),
    held_minor      bigint      not null check (held_minor >= 0),
    returned_minor  bigint      not null default 0 check (returned_minor >= 0),
    dismissed_minor bigint      not null default 0 check (dismissed_minor >= 0),
    reversed_minor  bigint      not null check (reversed_minor >= 0),
    status          text        not null generated always as (
        case when held_minor = amount_minor then 'held'
             when held_minor > 0 then 'partly_held'
             when applied_minor > 0 then 'applied'
             when reversed_minor > 0 then 'reversed'
             when returned_minor > 0 then 'returned'
             else 'dismissed' end
    ) stored,

    constraint payment_identity unique (source_id, external_id),
    constraint payment_conserved check (
        applied_minor + held_minor + returned_minor + dismissed_minor + reversed_minor = amount_minor
    ),
    constraint payment_reverses check ((kind = 'reversal') = (reverses is not null)),
    constraint payment_original check ((original_id is not null) = (kind = 'reversal' and reversed_minor > 0)),
    constraint payment_reversal check (kind = 'credit' or (applied_minor = 0 and returned_minor = 0)),
    constraint payment_booked check (
        (booked_to is null) = (booked_version is null) and (booked_to is null or kind = 'credit')
    )
);

create unique index payment_reversed_once on payments.payment (original_id) where original_id is not null;
create index payment_by_call on payments.payment (booked_to);
create index payment_elsewhere on payments.payment (status, id) where status <> 'applied';

-- An entry whose identity is taken by another content: on record, never booked.
create table payments.conflict (
    id            bigint      primary key,
    payment_id    bigint      not null references payments.payment,
    source_id     int         not null references payments.source,
    external_id   text        not null,
    kind          text        not null check (kind in ('credit', 'reversal')),
    amount_minor  bigint      not null check (amount_minor > 0),
    currency      text        not null,
    value_date    date        not null,
    call_id       bigint,
    reference     text,
    remittance    text,
    reverses      text,
    remitter_name text,
    account_hash  bytea,
    account_last4 text,
    method        text,
    booked_at     timestamptz,
    recorded_at   timestamptz not null,
    content       bytea       not null,

    constraint conflict_once unique (source_id, external_id, content)
);

-- Every posting that is not a payment's whole amount in the moment it was booked: money that was on hold first, parts of
-- a payment, and applications taken back. Rows are added, never changed.
create table payments.later_posting (
    id           bigint      primary key,
    payment_id   bigint      not null,
    call_id      bigint      not null,
    call_version bigint      not null,
    kind         text        not null check (kind in ('applied', 'undone')),
    amount_minor bigint      not null check (amount_minor > 0),
    currency     text        not null,
    value_date   date        not null,
    recorded_at  timestamptz not null,
    rule         text        not null check (rule in ('call_id', 'reference', 'person', 'reversal')),
    undoes       bigint,

    constraint posting_undoes check ((kind = 'undone') = (undoes is not null))
);

create index posting_by_payment on payments.later_posting (payment_id);
create index posting_by_call on payments.later_posting (call_id, id);
create unique index posting_undone_once on payments.later_posting (undoes) where undoes is not null;

-- Money applied to a call, or such an application taken back: all there ever were.
create view payments.posting with (security_invoker = true) as
select id, id as payment_id, booked_to as call_id, booked_version as call_version, 'applied' as kind, amount_minor,
       currency, value_date, recorded_at, case when call_id is null then 'reference' else 'call_id' end as rule,
       null::bigint as undoes
  from payments.payment
 where booked_to is not null
 union all
select id, payment_id, call_id, call_version, kind, amount_minor, currency, value_date, recorded_at, rule, undoes
  from payments.later_posting;

-- What a row refers to is checked for all rows of a statement at once: foreign keys, which look at each row alone,
-- cost four times as much here, and know nothing of what an undo must be like. What is referred to is never deleted.
create function payments.check_postings() returns trigger language plpgsql as $$
begin
    if exists (select from added a
                 left join payments.payment p on p.id = a.payment_id and p.currency = a.currency
                 left join payments.call c on c.id = a.call_id and c.currency = a.currency
                where p.id is null or c.id is null) then
        raise exception 'a posting has no payment or no call in its currency' using errcode = 'foreign_key_violation';
    end if;
    if exists (select from added a join payments.payment p on p.id = a.id) then
        raise exception 'a posting has the number of a payment' using errcode = 'unique_violation';
    end if;
    if exists (select from added a
                where a.undoes is not null
                  and not exists (select from payments.payment p
                                   where p.id = a.undoes and p.id = a.payment_id and p.booked_to = a.call_id
                                     and p.amount_minor = a.amount_minor)
                  and not exists (select from payments.later_posting p
                                   where p.id = a.undoes and p.kind = 'applied' and p.call_id = a.call_id
                                     and p.payment_id = a.payment_id and p.amount_minor = a.amount_minor)) then
        raise exception 'a posting undoes nothing like it' using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;

create trigger postings_refer after insert on payments.later_posting referencing new table as added
    for each statement execute function payments.check_postings();

create function payments.check_payments() returns trigger language plpgsql as $$
begin
    if exists (select from (select distinct source_id from added) a
                where not exists (select from payments.source s where s.id = a.source_id)) then
        raise exception 'a payment has no source' using errcode = 'foreign_key_violation';
    end if;
    if exists (select from (select distinct booked_to, currency from added where booked_to is not null) a
                where not exists (select from payments.call c where c.id = a.booked_to and c.currency = a.currency)) then
        raise exception 'a payment is booked to no call in its currency' using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;

create trigger payments_refer after insert on payments.payment referencing new table as added
    for each statement execute function payments.check_payments();

-- Money that could not be applied, or a conflict; at most one is open per payment.
create table payments.hold (
    id           bigint      primary key,
    payment_id   bigint      references payments.payment,
    conflict_id  bigint      references payments.conflict,
    reason       text        not null check (reason in (
        'unknown_call', 'no_match', 'ambiguous_match', 'over_payment', 'currency_mismatch', 'call_closed',
        'wrong_account', 'identity_conflict', 'possible_duplicate', 'original_not_found', 'reversal_mismatch',
        'already_reversed', 'unapplied')),
    amount_minor bigint      not null check (amount_minor > 0),
    call_id      bigint,
    fund_id      bigint,
    opened_at    timestamptz not null,
    resolution   text        check (resolution in ('applied', 'returned', 'dismissed', 'reversed')),
    resolved_at  timestamptz,
    version      bigint      not null check (version >= 1),
    state        text        not null generated always as (
        case when resolution is null then 'open' else 'resolved' end
    ) stored,

    constraint hold_of_one check ((payment_id is null) <> (conflict_id is null)),
    constraint hold_conflict check ((conflict_id is not null) = (reason = 'identity_conflict')),
    constraint hold_resolved check ((resolution is null) = (resolved_at is null))
);

create unique index hold_open on payments.hold (payment_id) where resolution is null;
create unique index hold_of_conflict on payments.hold (conflict_id) where conflict_id is not null;
create index hold_waiting on payments.hold (reason, payment_id) where resolution is null;
create index hold_by_payment on payments.hold (payment_id);

-- What people decided about payments, with their reasons. Rows are added, never changed.
create table payments.resolution (
    id          bigint      generated always as identity primary key,
    payment_id  bigint      references payments.payment,
    conflict_id bigint      references payments.conflict,
    hold_id     bigint      references payments.hold,
    action      text        not null check (action in ('apply', 'return', 'dismiss', 'unapply', 'reverse')),
    reason      text        not null,
    actor       text        not null,
    recorded_at timestamptz not null,

    constraint resolution_of_one check ((payment_id is null) <> (conflict_id is null))
);

create index resolution_by_payment on payments.resolution (payment_id);

grant select, insert on payments.source, payments.payment, payments.conflict, payments.later_posting, payments.hold,
                        payments.resolution to drawdown_payments;
grant select on payments.posting to drawdown_payments;
grant update (applied_minor, held_minor, returned_minor, dismissed_minor, reversed_minor, original_id)
   on payments.payment to drawdown_payments;
grant update (reason, fund_id, resolution, resolved_at, version) on payments.hold to drawdown_payments;

-- migrate:down

drop table payments.resolution;
drop table payments.hold;
drop view payments.posting;
drop table payments.later_posting;
drop function payments.check_postings();
drop table payments.conflict;
drop table payments.payment;
drop function payments.check_payments();
drop table payments.source;
