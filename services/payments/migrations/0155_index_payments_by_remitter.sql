-- migrate:up transaction:false

-- Whose money came before, and where it went.
create index concurrently if not exists payment_by_remitter on payments.payment (payments.remitter_key(account_hash, remitter_name), value_date)
    where account_hash is not null or remitter_name is not null;

-- migrate:down transaction:false

drop index concurrently if exists payments.payment_by_remitter;
