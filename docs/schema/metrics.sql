CREATE SCHEMA metrics;

CREATE TYPE metrics.call_receivable AS (
	id bigint,
	allocation_id bigint,
	fund_id bigint,
	deal_id bigint,
	seq_no bigint,
	reference text,
	currency text,
	due_date date,
	original_minor bigint,
	released_minor bigint,
	amount_minor bigint,
	paid_minor bigint,
	last_paid_on date,
	status text,
	postings bigint,
	occurred_at timestamp with time zone,
	version bigint
);

CREATE TYPE metrics.call_terms AS (
	id bigint,
	allocation_id bigint,
	fund_id bigint,
	deal_id bigint,
	seq_no bigint,
	reference text,
	currency text,
	due_date date,
	planned_minor bigint,
	notice_date date,
	issued_on date,
	priority text,
	stage text,
	terms_occurred_at timestamp with time zone,
	terms_version bigint
);

CREATE TABLE metrics.allocation (
    id bigint NOT NULL,
    fund_id bigint NOT NULL,
    deal_id bigint NOT NULL,
    currency text NOT NULL,
    committed_minor bigint NOT NULL,
    planned_minor bigint NOT NULL,
    called_minor bigint NOT NULL,
    funded_minor bigint NOT NULL,
    status text NOT NULL,
    funding_status text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    version bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE metrics.call (
    id bigint NOT NULL,
    allocation_id bigint NOT NULL,
    fund_id bigint NOT NULL,
    deal_id bigint NOT NULL,
    seq_no bigint NOT NULL,
    reference text NOT NULL,
    currency text NOT NULL,
    due_date date NOT NULL,
    planned_minor bigint,
    notice_date date,
    issued_on date,
    priority text,
    stage text,
    terms_occurred_at timestamp with time zone,
    terms_version bigint DEFAULT 0 NOT NULL,
    original_minor bigint,
    released_minor bigint,
    amount_minor bigint,
    paid_minor bigint,
    last_paid_on date,
    status text,
    postings bigint,
    occurred_at timestamp with time zone,
    version bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE metrics.dead_letter (
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

ALTER TABLE metrics.dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME metrics.dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE metrics.deal (
    id bigint NOT NULL,
    name text NOT NULL,
    stage text NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE metrics.fund (
    id bigint NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    time_zone text NOT NULL,
    size_minor bigint NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE metrics.fund_reserves (
    id bigint NOT NULL,
    currency text NOT NULL,
    planned_minor bigint NOT NULL,
    companies bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    version bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE metrics.hold (
    id bigint NOT NULL,
    source text NOT NULL,
    payment_id text NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    value_date date NOT NULL,
    fund_id bigint,
    call_id bigint,
    reason text NOT NULL,
    state text NOT NULL,
    resolution text,
    occurred_at timestamp with time zone NOT NULL,
    version bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE metrics.idempotency_key (
    caller text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    body_sha256 bytea NOT NULL,
    status smallint NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE metrics.outbox (
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
ALTER TABLE ONLY metrics.outbox ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE ONLY metrics.outbox ALTER COLUMN subjects SET STORAGE EXTERNAL;
ALTER TABLE ONLY metrics.outbox ALTER COLUMN payloads SET STORAGE EXTERNAL;

CREATE VIEW metrics.outbox_event WITH (security_invoker='true') AS
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
   FROM (metrics.outbox o
     CROSS JOIN LATERAL UNNEST(o.keys, o.subjects, COALESCE(o.headers, array_fill(NULL::text, ARRAY[o.events])), o.payloads) WITH ORDINALITY e(key, subject, headers, payload, n));

ALTER TABLE metrics.outbox ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME metrics.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE metrics."position" (
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

ALTER TABLE ONLY metrics.allocation
    ADD CONSTRAINT allocation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY metrics.call
    ADD CONSTRAINT call_pkey PRIMARY KEY (id);

ALTER TABLE ONLY metrics.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY metrics.dead_letter
    ADD CONSTRAINT dead_letter_topic_partition_incarnation_record_offset_key UNIQUE (topic, partition, incarnation, record_offset);

ALTER TABLE ONLY metrics.deal
    ADD CONSTRAINT deal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY metrics.fund
    ADD CONSTRAINT fund_pkey PRIMARY KEY (id);

ALTER TABLE ONLY metrics.fund_reserves
    ADD CONSTRAINT fund_reserves_pkey PRIMARY KEY (id);

ALTER TABLE ONLY metrics.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (id);

ALTER TABLE ONLY metrics.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (caller, method, path, key);

ALTER TABLE ONLY metrics.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id, begins);

ALTER TABLE ONLY metrics."position"
    ADD CONSTRAINT position_pkey PRIMARY KEY (topic, partition);

CREATE INDEX allocation_by_fund ON metrics.allocation USING btree (fund_id);

CREATE INDEX call_by_allocation ON metrics.call USING btree (allocation_id);

CREATE INDEX call_by_fund ON metrics.call USING btree (fund_id, due_date, id);

CREATE INDEX idempotency_key_age ON metrics.idempotency_key USING btree (created_at);

CREATE INDEX outbox_parked ON metrics.outbox USING btree (id) WHERE (parked_reason IS NOT NULL);
