-- migrate:up

-- What a fund plans for all of its companies together, as of the newest version of its reserves; the id is the fund's.
create table metrics.fund_reserves (
    id            bigint      primary key,
    currency      text        not null,
    planned_minor bigint      not null,
    companies     bigint      not null,
    occurred_at   timestamptz not null,
    version       bigint      not null
) with (fillfactor = 70);

-- Rows are deleted by a rebuild alone, which puts others in their place.
grant select, insert, update, delete on metrics.fund_reserves to drawdown_metrics;

-- migrate:down

drop table metrics.fund_reserves;
