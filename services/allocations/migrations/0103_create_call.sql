-- migrate:up

-- A payment reference carries a call's id in ten digits.
create sequence allocations.call_id maxvalue 9999999999;

create table allocations.call (
    -- the terms, by this service
    id             bigint      primary key check (id between 1 and 9999999999),
    allocation_id  bigint      not null references allocations.allocation (id),
    seq_no         int         not null check (seq_no >= 1),
    amount_minor   bigint      not null,
    due_date       date        not null,
    notice_date    date        not null,
    priority       text        not null,
    from_schedule  boolean     not null,
    grace_days     int         not null check (grace_days >= 0),
    cure_days      int         not null check (cure_days >= 0),
    stage          text        not null,
    previous_stage text,
    issued_on      date,
    changed_at     timestamptz not null,
    terms_version  int         not null check (terms_version >= 1),

    -- what payments last reported
    report_version    bigint   not null default 0 check (report_version >= 0),
    released_minor    bigint   not null default 0,
    paid_minor        bigint   not null default 0,
    postings          bigint   not null default 0 check (postings >= 0),
    receivable_status text,
    last_paid_on      date,

    unique (allocation_id, seq_no),
    constraint amount_above_zero check (amount_minor > 0 or (amount_minor = 0 and from_schedule)),
    constraint paid_within_amount check (
        0 <= paid_minor and 0 <= released_minor and paid_minor + released_minor <= amount_minor
    ),
    constraint known_stage check (stage in ('pending_approval', 'rejected', 'scheduled', 'withdrawn', 'issued')),
    constraint issued_on_a_day check ((stage = 'issued') = (issued_on is not null)),
    constraint first_stage_has_no_past check ((terms_version = 1) = (previous_stage is null)),
    constraint notice_before_due check (notice_date <= due_date),
    constraint reported_once_issued check (
        case when report_version = 0
             then receivable_status is null and postings = 0 and paid_minor = 0 and released_minor = 0
             else receivable_status is not null and stage = 'issued'
        end
    ),
    constraint known_receivable_status check (
        receivable_status in ('called', 'partially_paid', 'paid', 'overdue', 'defaulted', 'cancelled')
    ),
    constraint cancelled_is_unpaid check (receivable_status <> 'cancelled' or (paid_minor = 0 and amount_minor > 0))
) with (fillfactor = 70);

-- For the tick that issues calls on their notice date: it holds the waiting calls only.
create index call_awaiting_notice on allocations.call (notice_date, id) where stage = 'scheduled';

create trigger call_is_never_another
    before update of id, allocation_id, seq_no, from_schedule on allocations.call
    for each row when (
        (old.id, old.allocation_id, old.seq_no, old.from_schedule)
        is distinct from (new.id, new.allocation_id, new.seq_no, new.from_schedule)
    )
    execute function allocations.refuse('a call never becomes another call');

create trigger call_terms_are_frozen
    before update of amount_minor, due_date, notice_date, priority, grace_days, cure_days, issued_on, stage
        on allocations.call
    for each row when (
        old.stage in ('issued', 'rejected', 'withdrawn')
        and (old.amount_minor, old.due_date, old.notice_date, old.priority, old.grace_days, old.cure_days,
             old.issued_on, old.stage)
            is distinct from (new.amount_minor, new.due_date, new.notice_date, new.priority, new.grace_days,
                              new.cure_days, new.issued_on, new.stage)
    )
    execute function allocations.refuse('the terms of a call are frozen once it is issued, rejected or withdrawn');

create trigger call_stages_follow_the_table
    before update of stage on allocations.call
    for each row when (
        old.stage <> new.stage
        and (old.stage, new.stage) not in (
            ('pending_approval', 'scheduled'), ('pending_approval', 'rejected'), ('pending_approval', 'withdrawn'),
            ('scheduled', 'withdrawn'), ('scheduled', 'issued')
        )
    )
    execute function allocations.refuse('a call cannot go from this stage to that one');

create trigger call_terms_versions_count_by_one
    before update of stage, terms_version on allocations.call
    for each row when (new.terms_version <> old.terms_version + (new.stage <> old.stage)::int)
    execute function allocations.refuse('each change of a call''s terms is their next version');

create trigger call_reports_never_go_back
    before update of report_version on allocations.call
    for each row when (new.report_version < old.report_version)
    execute function allocations.refuse('a newer report of a call is known already');

create trigger call_is_never_deleted
    before delete or truncate on allocations.call
    execute function allocations.refuse('calls are never deleted');

-- P and C of an allocation are the sums over its calls, proved at commit whenever a plan changes. Payments' reports
-- do not come through here: they are too many, and the rows' own checks hold them between 0 and what was called.
create function allocations.plan_adds_up() returns trigger
    language plpgsql
as $$
declare
    wanted bigint;
begin
    if tg_table_name = 'call' then
        wanted := new.allocation_id;
    else
        wanted := new.id;
    end if;
    perform
       from allocations.allocation a
      cross join lateral (
            select coalesce(sum(c.amount_minor - c.released_minor), 0) as planned,
                   coalesce(sum(c.amount_minor - c.released_minor) filter (where c.stage = 'issued'), 0) as called
              from allocations.call c
             where c.allocation_id = a.id
               and c.stage in ('pending_approval', 'scheduled', 'issued')
               and c.receivable_status is distinct from 'cancelled'
            ) calls
      where a.id = wanted
        and (a.planned_minor <> calls.planned or a.called_minor <> calls.called);
    if found then
        raise exception using
            errcode = 'check_violation',
            constraint = 'plan_adds_up',
            message = format('planned and called of allocation %s are not the sums over its calls', wanted);
    end if;
    return null;
end
$$;

create constraint trigger plan_adds_up_after_insert
    after insert on allocations.call
    deferrable initially deferred
    for each row execute function allocations.plan_adds_up();

create constraint trigger plan_adds_up_after_update
    after update on allocations.call
    deferrable initially deferred
    for each row when (
        (old.stage, old.amount_minor, old.released_minor) is distinct from (new.stage, new.amount_minor, new.released_minor)
        or (old.receivable_status is distinct from new.receivable_status and new.receivable_status = 'cancelled')
    )
    execute function allocations.plan_adds_up();

create constraint trigger plan_adds_up_after_insert
    after insert on allocations.allocation
    deferrable initially deferred
    for each row execute function allocations.plan_adds_up();

create constraint trigger plan_adds_up_after_update
    after update on allocations.allocation
    deferrable initially deferred
    for each row when (
        (old.planned_minor, old.called_minor) is distinct from (new.planned_minor, new.called_minor)
    )
    execute function allocations.plan_adds_up();

-- What one report changes of a call, and the version that it follows: a batch is written as an array of these.
create type allocations.call_report as (
    id            bigint,
    known_version bigint,
    version       bigint,
    released      bigint,
    paid          bigint,
    postings      bigint,
    status        text,
    last_paid_on  date
);

grant usage on sequence allocations.call_id to drawdown_allocations;
grant select, insert on allocations.call to drawdown_allocations;
grant update (stage, previous_stage, issued_on, grace_days, cure_days, changed_at, terms_version,
              report_version, released_minor, paid_minor, postings, receivable_status, last_paid_on)
   on allocations.call to drawdown_allocations;

-- migrate:down

drop trigger plan_adds_up_after_update on allocations.allocation;
drop trigger plan_adds_up_after_insert on allocations.allocation;
drop type allocations.call_report;
drop table allocations.call;
drop sequence allocations.call_id;
drop function allocations.plan_adds_up();
