-- migrate:up

-- Absolute snapshots: each row is the newest version of what its writer said, so any order of events ends in the same rows.
-- No column tells when a row was received: a replay must give the same bytes.
-- fillfactor 70 leaves room to update in place; what changes often is in no index.

create table metrics.fund (
    id          bigint      primary key,
    name        text        not null,
    currency    text        not null,
    time_zone   text        not null,
    size_minor  bigint      not null,
    version     bigint      not null
);

create table metrics.deal (
    id          bigint      primary key,
    name        text        not null,
    stage       text        not null,
    version     bigint      not null
);

create table metrics.allocation (
    id              bigint      primary key,
    fund_id         bigint      not null,
    deal_id         bigint      not null,
    currency        text        not null,
    committed_minor bigint      not null,
    planned_minor   bigint      not null,
    called_minor    bigint      not null,
    funded_minor    bigint      not null,
    status          text        not null,
    funding_status  text        not null,
    occurred_at     timestamptz not null,
    version         bigint      not null
) with (fillfactor = 70);

create index allocation_by_fund on metrics.allocation (fund_id);

-- A call has two writers. What both say about it (whose it is, when it is due) is filled by whoever comes first;
-- the terms' half and the receivable's half each follow their own version, and 0 means: not heard of yet.
create table metrics.call (
    id                bigint primary key,
    allocation_id     bigint not null,
    fund_id           bigint not null,
    deal_id           bigint not null,
    seq_no            bigint not null,
    reference         text   not null,
    currency          text   not null,
    due_date          date   not null,

    planned_minor     bigint,
    notice_date       date,
    issued_on         date,
    priority          text,
    stage             text,
    terms_occurred_at timestamptz,
    terms_version     bigint not null default 0,

    original_minor    bigint,
    released_minor    bigint,
    amount_minor      bigint,
    paid_minor        bigint,
    last_paid_on      date,
    status            text,
    postings          bigint,
    occurred_at       timestamptz,
    version           bigint not null default 0
) with (fillfactor = 70);

create index call_by_fund on metrics.call (fund_id, due_date, id);
create index call_by_allocation on metrics.call (allocation_id);

create table metrics.hold (
    id           bigint      primary key,
    source       text        not null,
    payment_id   text        not null,
    kind         text        not null,
    amount_minor bigint      not null,
    currency     text        not null,
    value_date   date        not null,
    fund_id      bigint,
    call_id      bigint,
    reason       text        not null,
    state        text        not null,
    resolution   text,
    occurred_at  timestamptz not null,
    version      bigint      not null
) with (fillfactor = 70);

-- What each writer says of a call: a batch is written as an array of these, as of the other tables' rows.
create type metrics.call_terms as (
    id                bigint,
    allocation_id     bigint,
    fund_id           bigint,
    deal_id           bigint,
    seq_no            bigint,
    reference         text,
    currency          text,
    due_date          date,
    planned_minor     bigint,
    notice_date       date,
    issued_on         date,
    priority          text,
    stage             text,
    terms_occurred_at timestamptz,
    terms_version     bigint
);

create type metrics.call_receivable as (
    id             bigint,
    allocation_id  bigint,
    fund_id        bigint,
    deal_id        bigint,
    seq_no         bigint,
    reference      text,
    currency       text,
    due_date       date,
    original_minor bigint,
    released_minor bigint,
    amount_minor   bigint,
    paid_minor     bigint,
    last_paid_on   date,
    status         text,
    postings       bigint,
    occurred_at    timestamptz,
    version        bigint
);

-- Rows are deleted by a rebuild alone, which puts others in their place.
grant select, insert, update, delete
   on metrics.fund, metrics.deal, metrics.allocation, metrics.call, metrics.hold
   to drawdown_metrics;

-- migrate:down

drop type metrics.call_receivable, metrics.call_terms;
drop table metrics.hold, metrics.call, metrics.allocation, metrics.deal, metrics.fund;
