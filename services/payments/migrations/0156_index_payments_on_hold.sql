-- migrate:up transaction:false

-- Other money of the same remitter that waits too.
create index concurrently if not exists payment_on_hold on payments.payment
    (source_id, payments.remitter_key(account_hash, remitter_name), value_date)
    where held_minor > 0;

-- migrate:down transaction:false

drop index concurrently if exists payments.payment_on_hold;
