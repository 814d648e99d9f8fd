-- migrate:up transaction:false

-- What was decided about a conflict is found by its hold.
create index concurrently if not exists resolution_by_hold on payments.resolution (hold_id) where hold_id is not null;

-- migrate:down transaction:false

drop index concurrently if exists payments.resolution_by_hold;
