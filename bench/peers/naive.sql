-- The tables of four small services, each with a schema of its own, as most teams would lay them out.
create schema payments;
create schema allocations;
create schema metrics;
create schema audit;

create table payments.call (
    id bigint primary key,
    allocation_id bigint not null,
    fund_id bigint not null,
    amount_minor bigint not null,
    paid_minor bigint not null default 0,
    version int not null default 1
) with (fillfactor = 70);

create table payments.payment (
    source text not null,
    payment_id text not null,
    kind text not null,
    amount_minor bigint not null,
    call_id bigint not null,
    reverses text,
    state text not null, -- applied, held, reversed, waiting (a reversal before its original), done (a reversal)
    value_date date not null,
    primary key (source, payment_id)
);
create index payment_waiting on payments.payment (source, reverses) where state = 'waiting';

create table allocations.call (
    id bigint primary key,
    allocation_id bigint not null,
    paid_minor bigint not null default 0,
    version int not null default 1
) with (fillfactor = 70);

create table allocations.allocation (
    id bigint primary key,
    fund_id bigint not null,
    funded_minor bigint not null default 0,
    version int not null default 1
) with (fillfactor = 70);

create table metrics.allocation (
    id bigint primary key,
    fund_id bigint not null,
    funded_minor bigint not null default 0,
    version int not null default 1
) with (fillfactor = 70);

create table metrics.fund_total (
    fund_id bigint primary key,
    funded_minor bigint not null default 0
) with (fillfactor = 50);

create table audit.entry (
    topic text not null,
    part int not null,
    offset_ bigint not null,
    value bytea not null,
    primary key (topic, part, offset_)
);
