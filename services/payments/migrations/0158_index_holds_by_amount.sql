-- migrate:up transaction:false

-- The queue, the largest first.
create index concurrently if not exists hold_by_amount on payments.hold (state, amount_minor desc, id);

-- migrate:down transaction:false

drop index concurrently if exists payments.hold_by_amount;
