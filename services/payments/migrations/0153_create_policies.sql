-- migrate:up

-- Sources that show one bank account, such as a live feed and the bank's files: those with the same bank_account.
create table payments.same_account (
    alias        text primary key references payments.account,
    bank_account text not null
);

create index same_account_members on payments.same_account (bank_account, alias);

-- Credits that came under such a source, by what a second report of the same money has in common with the first. Of all
-- other credits nothing is kept here. Rows are added, never changed.
create table payments.account_credit (
    payment_id   bigint primary key references payments.payment,
    source_id    int    not null references payments.source,
    currency     text   not null,
    amount_minor bigint not null,
    value_date   date   not null
);

create index account_credit_alike on payments.account_credit (source_id, amount_minor, value_date);

-- Of a possible duplicate: the payment that it resembles.
alter table payments.hold add column resembles_id bigint;

-- What a fund wants done with money that does not fit. A fund without a row wants what every fund wants by default.
create table payments.fund_policy (
    fund_id               bigint      primary key references payments.fund,
    over_payment          text        not null check (over_payment in ('hold', 'apply_and_hold_excess')),
    short_tolerance_minor bigint      not null check (short_tolerance_minor >= 0),
    version               bigint      not null check (version >= 1),
    changed_by            text        not null,
    changed_at            timestamptz not null
);

create index fund_policy_applying on payments.fund_policy (fund_id) where over_payment = 'apply_and_hold_excess';
create index fund_policy_tolerant on payments.fund_policy (fund_id) where short_tolerance_minor > 0;

-- What was missing of a call by banks' charges, and was released for it: one line per call, with the payment that was
-- short. It is nobody's money, so it is in no payment and in no sum of payments. Rows are added, never changed.
create table payments.charge (
    id           bigint      generated always as identity primary key,
    call_id      bigint      not null constraint charge_once unique references payments.call,
    payment_id   bigint      not null references payments.payment,
    amount_minor bigint      not null check (amount_minor > 0),
    currency     text        not null,
    value_date   date        not null,
    recorded_at  timestamptz not null
);

-- A table may be locked whole by a role that may update its rows.
grant select, insert, update on payments.same_account to drawdown_payments;
grant select, insert on payments.account_credit, payments.charge to drawdown_payments;
grant select, insert on payments.fund_policy to drawdown_payments;
grant update (over_payment, short_tolerance_minor, version, changed_by, changed_at)
   on payments.fund_policy to drawdown_payments;

-- migrate:down

drop table payments.charge;
drop table payments.fund_policy;
alter table payments.hold drop column resembles_id;
drop table payments.account_credit;
drop table payments.same_account;
