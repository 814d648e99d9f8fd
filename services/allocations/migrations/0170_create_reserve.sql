-- migrate:up

-- What a fund plans for each of its companies. The version is the fund's: every row of a fund has the same one.
create table allocations.reserve (
    fund_id                bigint      not null references allocations.fund,
    company_id             bigint      not null references allocations.deal,
    planned_reserves_minor bigint      not null check (planned_reserves_minor between 0 and 999999999999999),
    allocation_cap_minor   bigint      check (allocation_cap_minor between 0 and 999999999999999),
    allocation_version     int         not null check (allocation_version >= 1),
    changed_at             timestamptz not null,

    primary key (fund_id, company_id)
) with (fillfactor = 50); -- a commit writes every row of a fund anew: room for that in the same page

create trigger reserve_versions_count_by_one
    before update on allocations.reserve
    for each row when (new.allocation_version <> old.allocation_version + 1)
    execute function allocations.refuse('each change of a fund''s reserves is their next version');

create trigger reserve_is_never_deleted
    before delete or truncate on allocations.reserve
    execute function allocations.refuse('reserves are never deleted: plan nothing instead');

-- Whoever writes some rows of a fund leaves all of them at one version.
create function allocations.reserves_share_a_version() returns trigger
    language plpgsql
as $$
begin
    if exists (
        select from (select distinct fund_id, allocation_version from written) w
          join allocations.reserve r on r.fund_id = w.fund_id and r.allocation_version <> w.allocation_version
    ) then
        -- A serialization failure: whoever waited while a company was added does it again, and then sees it too.
        raise exception using errcode = 'serialization_failure', message = 'all reserves of a fund have one version';
    end if;
    return null;
end
$$;

create trigger reserves_share_a_version_when_updated
    after update on allocations.reserve
    referencing new table as written
    for each statement execute function allocations.reserves_share_a_version();

create trigger reserves_share_a_version_when_added
    after insert on allocations.reserve
    referencing new table as written
    for each statement execute function allocations.reserves_share_a_version();

-- Every version of a fund's reserves: who made it, from which, and why. `changes_json` is a list of
-- {company_id, from_cents, to_cents, allocation_cap_cents?}; in a set-up the cap is the stored one from then on, in a
-- reallocation it counted for that one alone. Folded in the order of versions it gives the reserves as they are.
create table allocations.reallocation_audit (
    id               uuid        primary key,
    fund_id          bigint      not null references allocations.fund,
    kind             text        not null check (kind in ('set_up', 'reallocation')),
    user_id          bigint      check (user_id >= 1), -- as claimed
    actor            text        not null check (length(actor) between 1 and 200),
    baseline_version int         not null check (baseline_version >= 0),
    new_version      int         not null,
    changes_json     jsonb       not null,
    reason           text        check (length(reason) between 1 and 200),
    created_at       timestamptz not null,

    constraint reallocation_audit_version_rises check (new_version > baseline_version),
    constraint reallocation_audit_changes_something
        check (jsonb_typeof(changes_json) = 'array' and changes_json <> '[]'),
    constraint reallocation_audit_one_per_version unique (fund_id, new_version)
);

create index reallocation_audit_by_user on allocations.reallocation_audit (user_id, id) where user_id is not null;
create index reallocation_audit_by_version on allocations.reallocation_audit (new_version, id);
create index reallocation_audit_by_change on allocations.reallocation_audit using gin (changes_json jsonb_path_ops);

create trigger reallocation_audit_is_never_changed
    before update or delete or truncate on allocations.reallocation_audit
    execute function allocations.refuse('what was reallocated never changes');

grant select, insert on allocations.reserve, allocations.reallocation_audit to drawdown_allocations;
grant update (planned_reserves_minor, allocation_cap_minor, allocation_version, changed_at)
    on allocations.reserve to drawdown_allocations;

-- migrate:down

drop table allocations.reallocation_audit, allocations.reserve;
drop function allocations.reserves_share_a_version();
