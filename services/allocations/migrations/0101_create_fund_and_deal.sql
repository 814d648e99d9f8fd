-- migrate:up

-- Says no to whoever asks, the owner too: triggers name with it what no hand may do.
create function allocations.refuse() returns trigger
    language plpgsql
as $$
begin
    raise exception using errcode = 'restrict_violation', message = tg_argv[0];
end
$$;

create sequence allocations.fund_id;
create sequence allocations.deal_id;

create table allocations.fund (
    id         bigint      primary key,
    name       text        not null check (length(name) between 1 and 200),
    currency   text        not null check (currency ~ '^[A-Z]{3}$'),
    exponent   smallint    not null check (exponent between 0 and 4), -- decimals of the currency
    time_zone  text        not null check (length(time_zone) between 1 and 200),
    size_minor bigint      not null check (size_minor > 0),
    changed_at timestamptz not null,
    version    int         not null check (version >= 1),
    unique (id, currency, exponent)
);

create table allocations.deal (
    id         bigint      primary key,
    name       text        not null check (length(name) between 1 and 200),
    stage      text        not null check (stage in ('prospect', 'committed', 'funded')),
    changed_at timestamptz not null,
    version    int         not null check (version >= 1)
) with (fillfactor = 70);

create trigger deal_versions_count_by_one
    before update on allocations.deal
    for each row when (new.version <> old.version + 1)
    execute function allocations.refuse('each change of a deal is its next version');

create trigger fund_is_never_deleted
    before delete or truncate on allocations.fund
    execute function allocations.refuse('funds are never deleted');

create trigger deal_is_never_deleted
    before delete or truncate on allocations.deal
    execute function allocations.refuse('deals are never deleted');

grant usage on sequence allocations.fund_id, allocations.deal_id to drawdown_allocations;
grant select, insert on allocations.fund, allocations.deal to drawdown_allocations;
grant update (stage, changed_at, version) on allocations.deal to drawdown_allocations;

-- migrate:down

drop table allocations.deal, allocations.fund;
drop sequence allocations.deal_id, allocations.fund_id;
drop function allocations.refuse();
