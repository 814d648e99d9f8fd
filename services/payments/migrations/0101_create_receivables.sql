-- migrate:up

-- Ids are dealt out in memory, a block at a time; gaps are harmless. Payments, conflicts and postings share one range.
create sequence payments.payment_number increment by 1000;
create sequence payments.hold_number increment by 1000;

-- A fund as far as money needs to know it. Version 0: known from a call's terms only.
create table payments.fund (
    id        bigint primary key,
    currency  text   not null,
    time_zone text   not null,
    version   bigint not null check (version >= 0)
);

-- A source that pays one fund's calls only.
create table payments.account (
    alias         text        primary key,
    fund_id       bigint      not null references payments.fund,
    currency      text        not null,
    registered_at timestamptz not null
);

-- Calls that are not issued, as last heard of: what is rejected or withdrawn will never take money.
create table payments.plan (
    call_id       bigint primary key,
    stage         text   not null check (stage in ('pending_approval', 'rejected', 'scheduled', 'withdrawn')),
    terms_version bigint not null check (terms_version >= 1)
);

-- An issued call: what is demanded and what has been paid. Payments change paid, postings, last_paid_on, status and
-- version, none of which is in an index, so that they are updated in place.
create table payments.call (
    id              bigint      primary key,
    allocation_id   bigint      not null,
    fund_id         bigint      not null references payments.fund,
    deal_id         bigint      not null,
    seq_no          bigint      not null,
    reference       text        not null,
    currency        text        not null,
    original_minor  bigint      not null,
    due_on          date        not null,
    grace_days      int         not null check (grace_days >= 0),
    cure_days       int         not null check (cure_days >= 0),
    terms_version   bigint      not null check (terms_version >= 1),
    business_date   date        not null,
    watch_on        date,
    released_minor  bigint      not null,
    paid_minor      bigint      not null,
    postings        bigint      not null check (postings >= 0),
    last_paid_on    date,
    cancelled       boolean     not null,
    defaulted       boolean     not null,
    version         bigint      not null check (version >= 1),
    status          text        not null,
    previous_status text,
    changed_at      timestamptz not null,

    constraint call_released check (released_minor between 0 and original_minor),
    constraint call_paid check (paid_minor between 0 and original_minor - released_minor),
    constraint call_paid_on check ((last_paid_on is null) = (paid_minor = 0)),
    constraint call_cancelled check (not cancelled or (paid_minor = 0 and original_minor - released_minor > 0)),
    constraint call_status check (
        status = case when cancelled then 'cancelled'
                      when paid_minor = original_minor - released_minor then 'paid'
                      when defaulted then 'defaulted'
                      when business_date > due_on + grace_days then 'overdue'
                      when paid_minor > 0 then 'partially_paid'
                      else 'called' end
    )
) with (fillfactor = 70);

create index call_by_due_date on payments.call (due_on, id);
create index call_by_fund on payments.call (fund_id, due_on, id);
create index call_to_watch on payments.call (fund_id, watch_on) where watch_on is not null;
create index call_by_amount on payments.call (currency, original_minor, due_on, id);

-- Versions and postings only rise; cancelled stays cancelled; a remainder is released once.
create function payments.refuse_step_back() returns trigger language plpgsql as $$
begin
    raise exception 'call % would step back', old.id using errcode = 'check_violation';
end
$$;

create trigger call_moves_forward before update on payments.call for each row
    when (new.version < old.version
          or new.postings < old.postings
          or (old.cancelled and not new.cancelled)
          or (old.defaulted and not new.defaulted)
          or (old.released_minor > 0 and new.released_minor <> old.released_minor))
    execute function payments.refuse_step_back();

grant usage on sequence payments.payment_number, payments.hold_number to drawdown_payments;
grant select, insert on payments.fund, payments.account, payments.plan, payments.call to drawdown_payments;
grant update (currency, time_zone, version) on payments.fund to drawdown_payments;
grant update (stage, terms_version) on payments.plan to drawdown_payments;
grant update (terms_version, business_date, watch_on, released_minor, paid_minor, postings, last_paid_on, cancelled,
              defaulted, version, status, previous_status, changed_at) on payments.call to drawdown_payments;

-- migrate:down

drop table payments.call;
drop function payments.refuse_step_back();
drop table payments.plan;
drop table payments.account;
drop table payments.fund;
drop sequence payments.hold_number;
drop sequence payments.payment_number;
