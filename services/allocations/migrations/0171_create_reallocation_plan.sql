-- migrate:up

-- How to spread reserves, saved under a name. What was once saved stays: a change is a new version.
create table allocations.reallocation_template (
    fund_id    bigint      not null references allocations.fund,
    name       text        not null check (length(name) between 1 and 200),
    version    int         not null check (version >= 1),
    basis      text        not null check (basis in ('percent', 'amount')),
    shares     jsonb       not null check (jsonb_typeof(shares) = 'array' and shares <> '[]'),
    created_by text        not null check (length(created_by) between 1 and 200),
    created_at timestamptz not null,

    primary key (fund_id, name, version)
);

create trigger reallocation_template_is_never_changed
    before update or delete or truncate on allocations.reallocation_template
    execute function allocations.refuse('a template that was saved never changes');

create sequence allocations.scheduled_reallocation_id;

-- A commit that waits for its time: all of its funds or none. `commits` is a list of what the commit of each fund says,
-- its digest always among it.
create table allocations.scheduled_reallocation (
    id            bigint      primary key,
    run_at        timestamptz not null,
    status        text        not null check (status in ('waiting', 'done', 'parked', 'cancelled')),
    commits       jsonb       not null check (jsonb_typeof(commits) = 'array' and commits <> '[]'),
    created_by    text        not null check (length(created_by) between 1 and 200),
    created_at    timestamptz not null,
    ended_at      timestamptz,
    parked_code   text,
    parked_reason text,
    audit_ids     uuid[],

    constraint scheduled_reallocation_says_how_it_ended check (
        (status = 'waiting') = (ended_at is null)
        and (status = 'parked') = (parked_code is not null and parked_reason is not null)
        and (status = 'done') = (audit_ids is not null)
    )
);

create index scheduled_reallocation_due on allocations.scheduled_reallocation (run_at, id) where status = 'waiting';
create index scheduled_reallocation_by_status on allocations.scheduled_reallocation (status, id);

create trigger scheduled_reallocation_ends_once
    before update on allocations.scheduled_reallocation
    for each row when (old.status <> 'waiting')
    execute function allocations.refuse('what has ended stays as it is');

create trigger scheduled_reallocation_is_never_deleted
    before delete or truncate on allocations.scheduled_reallocation
    execute function allocations.refuse('scheduled reallocations are never deleted: cancel them');

grant usage on sequence allocations.scheduled_reallocation_id to drawdown_allocations;
grant select, insert on allocations.reallocation_template, allocations.scheduled_reallocation to drawdown_allocations;
grant update (status, ended_at, parked_code, parked_reason, audit_ids)
    on allocations.scheduled_reallocation to drawdown_allocations;

-- migrate:down

drop table allocations.scheduled_reallocation, allocations.reallocation_template;
drop sequence allocations.scheduled_reallocation_id;
