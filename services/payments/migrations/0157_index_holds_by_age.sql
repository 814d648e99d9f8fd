-- migrate:up transaction:false

-- The queue, the oldest first.
create index concurrently if not exists hold_by_age on payments.hold (state, opened_at, id);

-- migrate:down transaction:false

drop index concurrently if exists payments.hold_by_age;
