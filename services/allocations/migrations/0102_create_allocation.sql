-- migrate:up

create sequence allocations.allocation_id;

-- The state is a function of the amounts and `fresh`, written by the rules and proved again by the row itself.
-- What changes often (amounts, status, version) is in no index, so an update stays on its page.
create table allocations.allocation (
    id              bigint      primary key,
    fund_id         bigint      not null,
    deal_id         bigint      not null references allocations.deal (id),
    currency        text        not null,
    exponent        smallint    not null,
    committed_minor bigint      not null,
    planned_minor   bigint      not null,
    called_minor    bigint      not null,
    funded_minor    bigint      not null,
    fresh           boolean     not null, -- the last thing that happened was a call, not money
    status          text        not null,
    previous_status text,
    cause           text        not null,
    changed_at      timestamptz not null,
    version         int         not null check (version >= 1),

    foreign key (fund_id, currency, exponent) references allocations.fund (id, currency, exponent),
    constraint one_allocation_per_fund_and_deal unique (deal_id, fund_id),
    constraint amounts_in_order check (
        0 <= funded_minor and funded_minor <= called_minor
        and called_minor <= planned_minor and planned_minor <= committed_minor
    ),
    constraint committed_within_bounds check (
        committed_minor > 0
        and committed_minor <= 10000000000000 * case exponent when 0 then 1 when 1 then 10 when 2 then 100
                                                              when 3 then 1000 when 4 then 10000 end
    ),
    constraint status_follows_from_amounts check (
        status = case
            when called_minor = 0                then 'committed'
            when funded_minor = committed_minor  then 'funded'
            when funded_minor > 0 and not fresh  then 'partially_funded'
            when called_minor = committed_minor  then 'called'
            else 'partially_called'
        end
    ),
    constraint first_version_has_no_past check ((version = 1) = (previous_status is null)),
    constraint known_cause check (
        cause in ('ALLOCATE', 'CREATE_CALL', 'CALL_PLANNED', 'CALL_WITHDRAWN',
                  'PAYMENT_RECEIVED', 'PAYMENT_REVERSED', 'CALL_CANCELLED')
    )
) with (fillfactor = 70);

create index allocation_by_fund on allocations.allocation (fund_id, id);

create trigger allocation_is_a_promise
    before update of id, fund_id, deal_id, currency, exponent, committed_minor on allocations.allocation
    for each row when (
        (old.id, old.fund_id, old.deal_id, old.currency, old.exponent, old.committed_minor)
        is distinct from (new.id, new.fund_id, new.deal_id, new.currency, new.exponent, new.committed_minor)
    )
    execute function allocations.refuse('what was committed, by whom and to whom, never changes');

create trigger allocation_versions_count_by_one
    before update on allocations.allocation
    for each row when (new.version <> old.version + 1)
    execute function allocations.refuse('each change of an allocation is its next version');

create trigger allocation_is_never_deleted
    before delete or truncate on allocations.allocation
    execute function allocations.refuse('allocations are never deleted');

-- What one step changes of an allocation: a batch is written as an array of these.
create type allocations.allocation_step as (
    id              bigint,
    planned         bigint,
    called          bigint,
    funded          bigint,
    fresh           boolean,
    status          text,
    previous_status text,
    cause           text,
    changed_at      timestamptz,
    version         int
);

grant usage on sequence allocations.allocation_id to drawdown_allocations;
grant select, insert on allocations.allocation to drawdown_allocations;
grant update (planned_minor, called_minor, funded_minor, fresh, status, previous_status, cause, changed_at, version)
   on allocations.allocation to drawdown_allocations;

-- migrate:down

drop type allocations.allocation_step;
drop table allocations.allocation;
drop sequence allocations.allocation_id;
