CREATE SCHEMA audit;

CREATE FUNCTION audit.erase(of_topic text, of_partition integer, of_sequence bigint, why text, who text, at timestamp with time zone) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE TABLE audit.chain (
    topic_id smallint NOT NULL,
    partition smallint NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    CONSTRAINT chain_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT chain_partition_check CHECK ((partition >= 0)),
    CONSTRAINT chain_sequence_check CHECK ((sequence >= 0))
)
WITH (fillfactor='20');

CREATE TABLE audit.dead_letter (
    id bigint NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    incarnation integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,
    payload bytea NOT NULL,
    payload_bytes integer NOT NULL,
    payload_sha256 bytea NOT NULL,
    headers text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    decided_at timestamp with time zone,
    decided_by text,
    decision_reason text,
    CONSTRAINT dead_letter_check CHECK (((state = 'open'::text) = (decided_at IS NULL))),
    CONSTRAINT dead_letter_state_check CHECK ((state = ANY (ARRAY['open'::text, 'replayed'::text, 'discarded'::text])))
);

ALTER TABLE audit.dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit.entry (
    topic_id smallint NOT NULL,
    partition smallint NOT NULL,
    sequence bigint NOT NULL,
    incarnation integer NOT NULL,
    record_offset bigint NOT NULL,
    record_timestamp_ms bigint NOT NULL,
    key bytea,
    identity text NOT NULL COLLATE pg_catalog."C",
    claimed_id text,
    type text,
    actor text,
    action text,
    resource_type text,
    resource_id text,
    outcome text,
    causation_id text,
    correlation_id text,
    occurred_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL,
    payload_hash bytea NOT NULL,
    hash bytea NOT NULL,
    salt bytea,
    data bytea,
    CONSTRAINT entry_check CHECK (((data IS NULL) = (salt IS NULL))),
    CONSTRAINT entry_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT entry_payload_hash_check CHECK ((octet_length(payload_hash) = 32)),
    CONSTRAINT entry_salt_check CHECK ((octet_length(salt) = 16)),
    CONSTRAINT entry_sequence_check CHECK ((sequence >= 1))
);
ALTER TABLE ONLY audit.entry ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE audit.erasure (
    topic_id smallint NOT NULL,
    partition smallint NOT NULL,
    sequence bigint NOT NULL,
    reason text NOT NULL,
    erased_by text NOT NULL,
    erased_at timestamp with time zone NOT NULL,
    CONSTRAINT erasure_erased_by_check CHECK ((erased_by <> ''::text)),
    CONSTRAINT erasure_reason_check CHECK ((reason <> ''::text))
);

CREATE TABLE audit.idempotency_key (
    caller text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    body_sha256 bytea NOT NULL,
    status smallint NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE audit.outbox (
    id bigint NOT NULL,
    begins integer DEFAULT 0 NOT NULL,
    events integer NOT NULL,
    topic text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    causation_id text,
    correlation_id text,
    traceparent text,
    event_id uuid NOT NULL,
    keys bytea[] NOT NULL,
    subjects text[] NOT NULL,
    headers text[],
    payloads bytea[] NOT NULL,
    parked_reason text,
    CONSTRAINT outbox_begins_check CHECK ((begins >= 0)),
    CONSTRAINT outbox_check CHECK ((cardinality(keys) = events)),
    CONSTRAINT outbox_check1 CHECK ((cardinality(subjects) = events)),
    CONSTRAINT outbox_check2 CHECK ((cardinality(headers) = events)),
    CONSTRAINT outbox_check3 CHECK ((cardinality(payloads) = events)),
    CONSTRAINT outbox_events_check CHECK ((events >= 1))
);
ALTER TABLE ONLY audit.outbox ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE ONLY audit.outbox ALTER COLUMN subjects SET STORAGE EXTERNAL;
ALTER TABLE ONLY audit.outbox ALTER COLUMN payloads SET STORAGE EXTERNAL;

CREATE VIEW audit.outbox_event WITH (security_invoker='true') AS
 SELECT o.id,
    ((o.begins + e.n) - 1) AS number,
    o.topic,
    e.key,
    e.subject,
    e.headers,
    e.payload,
    o.occurred_at,
    o.actor,
    o.causation_id,
    o.correlation_id,
    o.traceparent,
    o.parked_reason
   FROM (audit.outbox o
     CROSS JOIN LATERAL UNNEST(o.keys, o.subjects, COALESCE(o.headers, array_fill(NULL::text, ARRAY[o.events])), o.payloads) WITH ORDINALITY e(key, subject, headers, payload, n));

ALTER TABLE audit.outbox ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME audit.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit."position" (
    topic text NOT NULL,
    partition integer NOT NULL,
    incarnation integer DEFAULT 1 NOT NULL,
    topic_id uuid,
    next_offset bigint DEFAULT 0 NOT NULL,
    last_timestamp_ms bigint,
    last_crc bigint,
    CONSTRAINT position_incarnation_check CHECK ((incarnation >= 1)),
    CONSTRAINT position_next_offset_check CHECK ((next_offset >= 0)),
    CONSTRAINT position_partition_check CHECK ((partition >= 0))
)
WITH (fillfactor='20');

CREATE TABLE audit.topic (
    id smallint NOT NULL,
    name text NOT NULL
);

CREATE VIEW audit.told AS
 SELECT t.name AS topic,
    e.partition,
    e.incarnation,
    e.record_offset,
    e.record_timestamp_ms,
    e.key,
    e.identity,
    e.claimed_id,
    e.type,
    e.actor,
    e.action,
    e.resource_type,
    e.resource_id,
    e.outcome,
    e.causation_id,
    e.correlation_id,
    e.occurred_at,
    e.recorded_at,
    e.sequence,
    e.payload_hash,
    e.hash,
    e.salt,
    e.data,
    (x.sequence IS NOT NULL) AS erased,
    e.topic_id
   FROM ((audit.entry e
     JOIN audit.topic t ON ((t.id = e.topic_id)))
     LEFT JOIN audit.erasure x USING (topic_id, partition, sequence));

ALTER TABLE audit.topic ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.topic_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY audit.chain
    ADD CONSTRAINT chain_pkey PRIMARY KEY (topic_id, partition);

ALTER TABLE ONLY audit.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.dead_letter
    ADD CONSTRAINT dead_letter_topic_partition_incarnation_record_offset_key UNIQUE (topic, partition, incarnation, record_offset);

ALTER TABLE ONLY audit.entry
    ADD CONSTRAINT entry_pkey PRIMARY KEY (topic_id, partition, sequence);

ALTER TABLE ONLY audit.erasure
    ADD CONSTRAINT erasure_pkey PRIMARY KEY (topic_id, partition, sequence);

ALTER TABLE ONLY audit.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (caller, method, path, key);

ALTER TABLE ONLY audit.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id, begins);

ALTER TABLE ONLY audit."position"
    ADD CONSTRAINT position_pkey PRIMARY KEY (topic, partition);

ALTER TABLE ONLY audit.topic
    ADD CONSTRAINT topic_name_key UNIQUE (name);

ALTER TABLE ONLY audit.topic
    ADD CONSTRAINT topic_pkey PRIMARY KEY (id);

CREATE INDEX entry_by_action ON audit.entry USING btree (action, recorded_at) WHERE (action IS NOT NULL);

CREATE INDEX entry_by_actor ON audit.entry USING btree (actor, recorded_at) WHERE (actor <> 'system'::text);

CREATE INDEX entry_by_resource ON audit.entry USING btree (resource_type, resource_id, recorded_at) WHERE (resource_id IS NOT NULL);

CREATE INDEX entry_by_time ON audit.entry USING btree (recorded_at, topic_id);

CREATE UNIQUE INDEX entry_once ON audit.entry USING btree (identity, topic_id);

CREATE INDEX idempotency_key_age ON audit.idempotency_key USING btree (created_at);

CREATE INDEX outbox_parked ON audit.outbox USING btree (id) WHERE (parked_reason IS NOT NULL);

ALTER TABLE ONLY audit.chain
    ADD CONSTRAINT chain_topic_id_fkey FOREIGN KEY (topic_id) REFERENCES audit.topic(id);
