-- migrate:up

create table audit.topic (
    id   smallint generated always as identity primary key,
    name text     not null unique
);

-- The head of each chain: its row is the lock under which entries are appended.
create table audit.chain (
    topic_id  smallint not null references audit.topic (id),
    partition smallint not null check (partition >= 0),
    sequence  bigint   not null default 0 check (sequence >= 0),
    hash      bytea    not null default decode(repeat('00', 32), 'hex') check (octet_length(hash) = 32),
    primary key (topic_id, partition)
) with (fillfactor = 20);

-- One row per event. `hash` covers the hash before it and every column up to the payload's hash; `identity` is what makes
-- an event one: its id where we gave it one, else its place in Kafka. No foreign keys: they would be checked for every row.
-- Salt and data can be erased: the bytes, and the salt without which their hash says nothing about them.
create table audit.entry (
    topic_id            smallint    not null,
    partition           smallint    not null,
    sequence            bigint      not null check (sequence >= 1),
    incarnation         int         not null,
    record_offset       bigint      not null,
    record_timestamp_ms bigint      not null,
    key                 bytea,
    identity            text        not null collate "C",
    claimed_id          text,
    type                text,
    actor               text,
    action              text,
    resource_type       text,
    resource_id         text,
    outcome             text,
    causation_id        text,
    correlation_id      text,
    occurred_at         timestamptz,
    recorded_at         timestamptz not null,
    payload_hash        bytea       not null check (octet_length(payload_hash) = 32),
    hash                bytea       not null check (octet_length(hash) = 32),
    salt                bytea       check (octet_length(salt) = 16),
    data                bytea       check ((data is null) = (salt is null)),
    primary key (topic_id, partition, sequence)
);
alter table audit.entry alter column data set storage external;
create unique index entry_once on audit.entry (identity, topic_id);
create index entry_by_time on audit.entry (recorded_at, topic_id);
create index entry_by_resource on audit.entry (resource_type, resource_id, recorded_at) where resource_id is not null;
create index entry_by_actor on audit.entry (actor, recorded_at) where actor <> 'system';
create index entry_by_action on audit.entry (action, recorded_at) where action is not null;

create table audit.erasure (
    topic_id  smallint    not null,
    partition smallint    not null,
    sequence  bigint      not null,
    reason    text        not null check (reason <> ''),
    erased_by text        not null check (erased_by <> ''),
    erased_at timestamptz not null,
    primary key (topic_id, partition, sequence)
);

-- An entry as it is told: its topic by name, the payload where it was not erased. The order of columns is that of the
-- facts under the hash, up to recorded_at.
create view audit.told as
select t.name as topic, e.partition, e.incarnation, e.record_offset, e.record_timestamp_ms, e.key, e.identity,
       e.claimed_id, e.type, e.actor, e.action, e.resource_type, e.resource_id, e.outcome, e.causation_id,
       e.correlation_id, e.occurred_at, e.recorded_at,
       e.sequence, e.payload_hash, e.hash, e.salt, e.data, x.sequence is not null as erased, e.topic_id
  from audit.entry e
  join audit.topic t on t.id = e.topic_id
  left join audit.erasure x using (topic_id, partition, sequence);

-- The only way to take a payload away; it says who did it and why. True where there was one.
create function audit.erase(of_topic text, of_partition int, of_sequence bigint, why text, who text, at timestamptz)
returns boolean
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        update audit.entry e
           set salt = null, data = null
          from audit.topic t
         where t.name = of_topic
           and e.topic_id = t.id
           and e.partition = of_partition
           and e.sequence = of_sequence
           and e.data is not null
        returning e.topic_id, e.partition, e.sequence
    ), noted as (
        insert into audit.erasure (topic_id, partition, sequence, reason, erased_by, erased_at)
        select topic_id, partition, sequence, why, who, at
          from gone
        returning 1
    )
    select exists (select from noted)
$$;
revoke all on function audit.erase from public;

grant select, insert on audit.topic to drawdown_audit;
grant select, insert, update on audit.chain to drawdown_audit;
grant select, insert on audit.entry to drawdown_audit;
grant select on audit.erasure, audit.told to drawdown_audit;
grant execute on function audit.erase to drawdown_audit;

-- migrate:down

drop function audit.erase;
drop view audit.told;
drop table audit.erasure;
drop table audit.entry;
drop table audit.chain;
drop table audit.topic;
