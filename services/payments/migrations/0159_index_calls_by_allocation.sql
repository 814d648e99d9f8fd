-- migrate:up transaction:false

-- The other calls of an allocation that a remitter has paid before.
create index concurrently if not exists call_by_allocation on payments.call (allocation_id, due_on, id);

-- migrate:down transaction:false

drop index concurrently if exists payments.call_by_allocation;
