-- migrate:up

-- Where this service stands in each partition. Advanced by compare-and-set in the transaction of the batch, so a
-- frozen copy that wakes up is refused. The fingerprint of the record before tells one log from another of its name.
create table position (
    topic             text   not null,
    partition         int    not null check (partition >= 0),
    incarnation       int    not null default 1 check (incarnation >= 1),
    topic_id          uuid,
    next_offset       bigint not null default 0 check (next_offset >= 0),
    last_timestamp_ms bigint,
    last_crc          bigint,
    primary key (topic, partition)
) with (fillfactor = 20);

-- Events of committed changes that Kafka has not acknowledged yet; a row is deleted once it has.
create table outbox (
    id             bigint      generated always as identity primary key,
    topic          text        not null,
    key            bytea,
    event_id       uuid        not null,
    subject        text        not null,
    occurred_at    timestamptz not null,
    actor          text        not null,
    causation_id   text,
    correlation_id text,
    traceparent    text,
    headers        text,
    payload        bytea       not null,
    parked_reason  text
);
alter table outbox alter column payload set storage external;
create index outbox_parked on outbox (id) where parked_reason is not null; -- not by key, which may be too long for one

-- What could never be understood, with why; replayed or discarded by a person.
create table dead_letter (
    id              bigint      generated always as identity primary key,
    topic           text        not null,
    partition       int         not null,
    incarnation     int         not null,
    record_offset   bigint      not null,
    key             bytea,
    payload         bytea       not null,
    payload_bytes   int         not null,
    payload_sha256  bytea       not null,
    headers         text        not null,
    reason          text        not null,
    detail          text        not null,
    recorded_at     timestamptz not null,
    state           text        not null default 'open' check (state in ('open', 'replayed', 'discarded')),
    decided_at      timestamptz,
    decided_by      text,
    decision_reason text,
    unique (topic, partition, incarnation, record_offset),
    check ((state = 'open') = (decided_at is null))
);

-- Answers of writes that came with an Idempotency-Key, kept with the effect.
create table idempotency_key (
    caller      text        not null,
    method      text        not null,
    path        text        not null,
    key         text        not null,
    body_sha256 bytea       not null,
    status      smallint    not null,
    answer      bytea       not null,
    created_at  timestamptz not null,
    primary key (caller, method, path, key)
);
create index idempotency_key_age on idempotency_key (created_at);

do $$
declare
    role text := 'drawdown_' || current_schema();
begin
    execute format('grant select, insert, update on position to %I', role);
    execute format('grant select, insert, update, delete on outbox to %I', role);
    execute format('grant select, insert, update on dead_letter to %I', role);
    execute format('grant select, insert, update, delete on idempotency_key to %I', role);
end
$$;

-- migrate:down

drop table idempotency_key;
drop table dead_letter;
drop table outbox;
drop table position;
