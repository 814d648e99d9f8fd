CREATE SCHEMA payments;

CREATE FUNCTION payments.check_payments() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if exists (select from (select distinct source_id from added) a
                where not exists (select from payments.source s where s.id = a.source_id)) then
        raise exception 'a payment has no source' using errcode = 'foreign_key_violation';
    end if;
    if exists (select from (select distinct booked_to, currency from added where booked_to is not null) a
                where not exists (select from payments.call c where c.id = a.booked_to and c.currency = a.currency)) then
        raise exception 'a payment is booked to no call in its currency' using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;

CREATE FUNCTION payments.check_postings() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if exists (select from added a
                 left join payments.payment p on p.id = a.payment_id and p.currency = a.currency
                 left join payments.call c on c.id = a.call_id and c.currency = a.currency
                where p.id is null or c.id is null) then
        raise exception 'a posting has no payment or no call in its currency' using errcode = 'foreign_key_violation';
    end if;
    if exists (select from added a join payments.payment p on p.id = a.id) then
        raise exception 'a posting has the number of a payment' using errcode = 'unique_violation';
    end if;
    if exists (select from added a
                where a.undoes is not null
                  and not exists (select from payments.payment p
                                   where p.id = a.undoes and p.id = a.payment_id and p.booked_to = a.call_id
                                     and p.amount_minor = a.amount_minor)
                  and not exists (select from payments.later_posting p
                                   where p.id = a.undoes and p.kind = 'applied' and p.call_id = a.call_id
                                     and p.payment_id = a.payment_id and p.amount_minor = a.amount_minor)) then
        raise exception 'a posting undoes nothing like it' using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;

CREATE FUNCTION payments.refuse_step_back() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'call % would step back', old.id using errcode = 'check_violation';
end
$$;

CREATE FUNCTION payments.remitter_key(account_hash bytea, name text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE(hashtextextended(encode(account_hash, 'hex'::text), (0)::bigint), hashtextextended(translate(lower(name), ' .,;:-_/&''"()'::text, ''::text), (0)::bigint), (0)::bigint);

CREATE TABLE payments.account (
    alias text NOT NULL,
    fund_id bigint NOT NULL,
    currency text NOT NULL,
    registered_at timestamp with time zone NOT NULL
);

CREATE TABLE payments.account_credit (
    payment_id bigint NOT NULL,
    source_id integer NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    value_date date NOT NULL
);

CREATE TABLE payments.bank_file (
    id bigint NOT NULL,
    sha256 bytea NOT NULL,
    format text NOT NULL,
    size_bytes integer NOT NULL,
    uploaded_by text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT bank_file_size_bytes_check CHECK ((size_bytes > 0))
);

ALTER TABLE payments.bank_file ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.bank_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.bank_file_piece (
    file_id bigint NOT NULL,
    "position" integer NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT bank_file_piece_position_check CHECK (("position" >= 0))
);

CREATE TABLE payments.call (
    id bigint NOT NULL,
    allocation_id bigint NOT NULL,
    fund_id bigint NOT NULL,
    deal_id bigint NOT NULL,
    seq_no bigint NOT NULL,
    reference text NOT NULL,
    currency text NOT NULL,
    original_minor bigint NOT NULL,
    due_on date NOT NULL,
    grace_days integer NOT NULL,
    cure_days integer NOT NULL,
    terms_version bigint NOT NULL,
    business_date date NOT NULL,
    watch_on date,
    released_minor bigint NOT NULL,
    paid_minor bigint NOT NULL,
    postings bigint NOT NULL,
    last_paid_on date,
    cancelled boolean NOT NULL,
    defaulted boolean NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    previous_status text,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT call_cancelled CHECK (((NOT cancelled) OR ((paid_minor = 0) AND ((original_minor - released_minor) > 0)))),
    CONSTRAINT call_cure_days_check CHECK ((cure_days >= 0)),
    CONSTRAINT call_grace_days_check CHECK ((grace_days >= 0)),
    CONSTRAINT call_paid CHECK (((paid_minor >= 0) AND (paid_minor <= (original_minor - released_minor)))),
    CONSTRAINT call_paid_on CHECK (((last_paid_on IS NULL) = (paid_minor = 0))),
    CONSTRAINT call_postings_check CHECK ((postings >= 0)),
    CONSTRAINT call_released CHECK (((released_minor >= 0) AND (released_minor <= original_minor))),
    CONSTRAINT call_status CHECK ((status =
CASE
    WHEN cancelled THEN 'cancelled'::text
    WHEN (paid_minor = (original_minor - released_minor)) THEN 'paid'::text
    WHEN defaulted THEN 'defaulted'::text
    WHEN (business_date > (due_on + grace_days)) THEN 'overdue'::text
    WHEN (paid_minor > 0) THEN 'partially_paid'::text
    ELSE 'called'::text
END)),
    CONSTRAINT call_terms_version_check CHECK ((terms_version >= 1)),
    CONSTRAINT call_version_check CHECK ((version >= 1))
)
WITH (fillfactor='70');

CREATE TABLE payments.charge (
    id bigint NOT NULL,
    call_id bigint NOT NULL,
    payment_id bigint NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    value_date date NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT charge_amount_minor_check CHECK ((amount_minor > 0))
);

ALTER TABLE payments.charge ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.charge_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.conflict (
    id bigint NOT NULL,
    payment_id bigint NOT NULL,
    source_id integer NOT NULL,
    external_id text NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    value_date date NOT NULL,
    call_id bigint,
    reference text,
    remittance text,
    reverses text,
    remitter_name text,
    account_hash bytea,
    account_last4 text,
    method text,
    booked_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT conflict_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT conflict_kind_check CHECK ((kind = ANY (ARRAY['credit'::text, 'reversal'::text])))
);

CREATE TABLE payments.dead_letter (
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

ALTER TABLE payments.dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.feed_profile (
    name text NOT NULL,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT feed_profile_definition_check CHECK ((jsonb_typeof(definition) = 'object'::text)),
    CONSTRAINT feed_profile_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text)),
    CONSTRAINT feed_profile_version_check CHECK ((version >= 1))
);

CREATE TABLE payments.fund (
    id bigint NOT NULL,
    currency text NOT NULL,
    time_zone text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT fund_version_check CHECK ((version >= 0))
);

CREATE TABLE payments.fund_policy (
    fund_id bigint NOT NULL,
    over_payment text NOT NULL,
    short_tolerance_minor bigint NOT NULL,
    version bigint NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT fund_policy_over_payment_check CHECK ((over_payment = ANY (ARRAY['hold'::text, 'apply_and_hold_excess'::text]))),
    CONSTRAINT fund_policy_short_tolerance_minor_check CHECK ((short_tolerance_minor >= 0)),
    CONSTRAINT fund_policy_version_check CHECK ((version >= 1))
);

CREATE TABLE payments.hold (
    id bigint NOT NULL,
    payment_id bigint,
    conflict_id bigint,
    reason text NOT NULL,
    amount_minor bigint NOT NULL,
    call_id bigint,
    fund_id bigint,
    opened_at timestamp with time zone NOT NULL,
    resolution text,
    resolved_at timestamp with time zone,
    version bigint NOT NULL,
    state text GENERATED ALWAYS AS (
CASE
    WHEN (resolution IS NULL) THEN 'open'::text
    ELSE 'resolved'::text
END) STORED NOT NULL,
    resembles_id bigint,
    owner text,
    owned_since timestamp with time zone,
    CONSTRAINT hold_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT hold_conflict CHECK (((conflict_id IS NOT NULL) = (reason = 'identity_conflict'::text))),
    CONSTRAINT hold_of_one CHECK (((payment_id IS NULL) <> (conflict_id IS NULL))),
    CONSTRAINT hold_reason_check CHECK ((reason = ANY (ARRAY['unknown_call'::text, 'no_match'::text, 'ambiguous_match'::text, 'over_payment'::text, 'currency_mismatch'::text, 'call_closed'::text, 'wrong_account'::text, 'identity_conflict'::text, 'possible_duplicate'::text, 'original_not_found'::text, 'reversal_mismatch'::text, 'already_reversed'::text, 'unapplied'::text]))),
    CONSTRAINT hold_resolution_check CHECK ((resolution = ANY (ARRAY['applied'::text, 'returned'::text, 'dismissed'::text, 'reversed'::text]))),
    CONSTRAINT hold_resolved CHECK (((resolution IS NULL) = (resolved_at IS NULL))),
    CONSTRAINT hold_version_check CHECK ((version >= 1))
);

CREATE SEQUENCE payments.hold_number
    START WITH 1
    INCREMENT BY 1000
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE payments.idempotency_key (
    caller text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    body_sha256 bytea NOT NULL,
    status smallint NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE payments.later_posting (
    id bigint NOT NULL,
    payment_id bigint NOT NULL,
    call_id bigint NOT NULL,
    call_version bigint NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    value_date date NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    rule text NOT NULL,
    undoes bigint,
    CONSTRAINT later_posting_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT later_posting_kind_check CHECK ((kind = ANY (ARRAY['applied'::text, 'undone'::text]))),
    CONSTRAINT later_posting_rule_check CHECK ((rule = ANY (ARRAY['call_id'::text, 'reference'::text, 'person'::text, 'reversal'::text]))),
    CONSTRAINT posting_undoes CHECK (((kind = 'undone'::text) = (undoes IS NOT NULL)))
);

CREATE TABLE payments.outbox (
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
ALTER TABLE ONLY payments.outbox ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE ONLY payments.outbox ALTER COLUMN subjects SET STORAGE EXTERNAL;
ALTER TABLE ONLY payments.outbox ALTER COLUMN payloads SET STORAGE EXTERNAL;

CREATE VIEW payments.outbox_event WITH (security_invoker='true') AS
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
   FROM (payments.outbox o
     CROSS JOIN LATERAL UNNEST(o.keys, o.subjects, COALESCE(o.headers, array_fill(NULL::text, ARRAY[o.events])), o.payloads) WITH ORDINALITY e(key, subject, headers, payload, n));

ALTER TABLE payments.outbox ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME payments.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.payment (
    id bigint NOT NULL,
    source_id integer NOT NULL,
    external_id text NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    value_date date NOT NULL,
    call_id bigint,
    reference text,
    remittance text,
    reverses text,
    remitter_name text,
    account_hash bytea,
    account_last4 text,
    method text,
    booked_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL,
    booked_to bigint,
    booked_version bigint,
    original_id bigint,
    applied_minor bigint NOT NULL,
    held_minor bigint NOT NULL,
    returned_minor bigint DEFAULT 0 NOT NULL,
    dismissed_minor bigint DEFAULT 0 NOT NULL,
    reversed_minor bigint NOT NULL,
    status text GENERATED ALWAYS AS (
CASE
    WHEN (held_minor = amount_minor) THEN 'held'::text
    WHEN (held_minor > 0) THEN 'partly_held'::text
    WHEN (applied_minor > 0) THEN 'applied'::text
    WHEN (reversed_minor > 0) THEN 'reversed'::text
    WHEN (returned_minor > 0) THEN 'returned'::text
    ELSE 'dismissed'::text
END) STORED NOT NULL,
    CONSTRAINT payment_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT payment_applied_minor_check CHECK ((applied_minor >= 0)),
    CONSTRAINT payment_booked CHECK ((((booked_to IS NULL) = (booked_version IS NULL)) AND ((booked_to IS NULL) OR (kind = 'credit'::text)))),
    CONSTRAINT payment_conserved CHECK ((((((applied_minor + held_minor) + returned_minor) + dismissed_minor) + reversed_minor) = amount_minor)),
    CONSTRAINT payment_dismissed_minor_check CHECK ((dismissed_minor >= 0)),
    CONSTRAINT payment_held_minor_check CHECK ((held_minor >= 0)),
    CONSTRAINT payment_kind_check CHECK ((kind = ANY (ARRAY['credit'::text, 'reversal'::text]))),
    CONSTRAINT payment_original CHECK (((original_id IS NOT NULL) = ((kind = 'reversal'::text) AND (reversed_minor > 0)))),
    CONSTRAINT payment_returned_minor_check CHECK ((returned_minor >= 0)),
    CONSTRAINT payment_reversal CHECK (((kind = 'credit'::text) OR ((applied_minor = 0) AND (returned_minor = 0)))),
    CONSTRAINT payment_reversed_minor_check CHECK ((reversed_minor >= 0)),
    CONSTRAINT payment_reverses CHECK (((kind = 'reversal'::text) = (reverses IS NOT NULL)))
);

CREATE SEQUENCE payments.payment_number
    START WITH 1
    INCREMENT BY 1000
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE payments.plan (
    call_id bigint NOT NULL,
    stage text NOT NULL,
    terms_version bigint NOT NULL,
    CONSTRAINT plan_stage_check CHECK ((stage = ANY (ARRAY['pending_approval'::text, 'rejected'::text, 'scheduled'::text, 'withdrawn'::text]))),
    CONSTRAINT plan_terms_version_check CHECK ((terms_version >= 1))
);

CREATE TABLE payments."position" (
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

CREATE VIEW payments.posting WITH (security_invoker='true') AS
 SELECT payment.id,
    payment.id AS payment_id,
    payment.booked_to AS call_id,
    payment.booked_version AS call_version,
    'applied'::text AS kind,
    payment.amount_minor,
    payment.currency,
    payment.value_date,
    payment.recorded_at,
        CASE
            WHEN (payment.call_id IS NULL) THEN 'reference'::text
            ELSE 'call_id'::text
        END AS rule,
    NULL::bigint AS undoes
   FROM payments.payment
  WHERE (payment.booked_to IS NOT NULL)
UNION ALL
 SELECT later_posting.id,
    later_posting.payment_id,
    later_posting.call_id,
    later_posting.call_version,
    later_posting.kind,
    later_posting.amount_minor,
    later_posting.currency,
    later_posting.value_date,
    later_posting.recorded_at,
    later_posting.rule,
    later_posting.undoes
   FROM payments.later_posting;

CREATE TABLE payments.resolution (
    id bigint NOT NULL,
    payment_id bigint,
    conflict_id bigint,
    hold_id bigint,
    action text NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    explanation jsonb,
    CONSTRAINT resolution_action_check CHECK ((action = ANY (ARRAY['apply'::text, 'return'::text, 'dismiss'::text, 'unapply'::text, 'reverse'::text]))),
    CONSTRAINT resolution_of_one CHECK (((payment_id IS NULL) <> (conflict_id IS NULL)))
);

ALTER TABLE payments.resolution ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.resolution_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.same_account (
    alias text NOT NULL,
    bank_account text NOT NULL
);

CREATE TABLE payments.source (
    id integer NOT NULL,
    name text NOT NULL
);

ALTER TABLE payments.source ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.source_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.statement (
    id bigint NOT NULL,
    file_id bigint NOT NULL,
    "position" integer NOT NULL,
    source_id integer CONSTRAINT statement_source_id_not_null1 NOT NULL,
    bank_id text NOT NULL,
    page integer NOT NULL,
    line integer NOT NULL,
    opening_minor bigint,
    closing_minor bigint,
    first_day date,
    last_day date,
    problems jsonb NOT NULL
);

CREATE TABLE payments.statement_entry (
    statement_id bigint NOT NULL,
    "position" integer NOT NULL,
    source_id integer NOT NULL,
    payment_id text NOT NULL,
    mark text NOT NULL,
    kind text,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    booking_date date,
    value_date date,
    bank_reference text,
    end_to_end_id text,
    uetr text,
    reference text,
    remittance text,
    remitter_name text,
    remitter_account text,
    method text,
    reverses text,
    original_found boolean NOT NULL,
    why_not text,
    published boolean NOT NULL,
    line integer NOT NULL,
    CONSTRAINT statement_entry_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT statement_entry_kind_check CHECK ((kind = ANY (ARRAY['credit'::text, 'reversal'::text]))),
    CONSTRAINT statement_entry_mark_check CHECK ((mark = ANY (ARRAY['credit'::text, 'debit'::text]))),
    CONSTRAINT statement_entry_posted CHECK (((why_not IS NOT NULL) OR ((kind IS NOT NULL) AND (amount_minor > 0) AND (value_date IS NOT NULL) AND ((kind = 'reversal'::text) = (reverses IS NOT NULL))))),
    CONSTRAINT statement_entry_published CHECK (((NOT published) OR (why_not IS NULL)))
);

ALTER TABLE payments.statement ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.statement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.statement_source (
    id integer NOT NULL,
    name text NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    CONSTRAINT statement_source_not_ours CHECK ((name !~ '^(manual|edited)/'::text))
);

ALTER TABLE payments.statement_source ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.statement_source_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY payments.account_credit
    ADD CONSTRAINT account_credit_pkey PRIMARY KEY (payment_id);

ALTER TABLE ONLY payments.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (alias);

ALTER TABLE ONLY payments.bank_file
    ADD CONSTRAINT bank_file_once UNIQUE (sha256);

ALTER TABLE ONLY payments.bank_file_piece
    ADD CONSTRAINT bank_file_piece_pkey PRIMARY KEY (file_id, "position");

ALTER TABLE ONLY payments.bank_file
    ADD CONSTRAINT bank_file_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.call
    ADD CONSTRAINT call_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.charge
    ADD CONSTRAINT charge_once UNIQUE (call_id);

ALTER TABLE ONLY payments.charge
    ADD CONSTRAINT charge_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.conflict
    ADD CONSTRAINT conflict_once UNIQUE (source_id, external_id, content);

ALTER TABLE ONLY payments.conflict
    ADD CONSTRAINT conflict_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.dead_letter
    ADD CONSTRAINT dead_letter_topic_partition_incarnation_record_offset_key UNIQUE (topic, partition, incarnation, record_offset);

ALTER TABLE ONLY payments.feed_profile
    ADD CONSTRAINT feed_profile_pkey PRIMARY KEY (name, version);

ALTER TABLE ONLY payments.fund
    ADD CONSTRAINT fund_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.fund_policy
    ADD CONSTRAINT fund_policy_pkey PRIMARY KEY (fund_id);

ALTER TABLE ONLY payments.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (caller, method, path, key);

ALTER TABLE ONLY payments.later_posting
    ADD CONSTRAINT later_posting_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id, begins);

ALTER TABLE ONLY payments.payment
    ADD CONSTRAINT payment_identity UNIQUE (source_id, external_id);

ALTER TABLE ONLY payments.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (call_id);

ALTER TABLE ONLY payments."position"
    ADD CONSTRAINT position_pkey PRIMARY KEY (topic, partition);

ALTER TABLE ONLY payments.resolution
    ADD CONSTRAINT resolution_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.same_account
    ADD CONSTRAINT same_account_pkey PRIMARY KEY (alias);

ALTER TABLE ONLY payments.source
    ADD CONSTRAINT source_name UNIQUE (name);

ALTER TABLE ONLY payments.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.statement_entry
    ADD CONSTRAINT statement_entry_pkey PRIMARY KEY (statement_id, "position");

ALTER TABLE ONLY payments.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.statement
    ADD CONSTRAINT statement_position UNIQUE (file_id, "position");

ALTER TABLE ONLY payments.statement_source
    ADD CONSTRAINT statement_source_account UNIQUE (account, currency);

ALTER TABLE ONLY payments.statement_source
    ADD CONSTRAINT statement_source_name UNIQUE (name);

ALTER TABLE ONLY payments.statement_source
    ADD CONSTRAINT statement_source_pkey PRIMARY KEY (id);

CREATE INDEX account_credit_alike ON payments.account_credit USING btree (source_id, amount_minor, value_date);

CREATE INDEX call_by_allocation ON payments.call USING btree (allocation_id, due_on, id);

CREATE INDEX call_by_amount ON payments.call USING btree (currency, original_minor, due_on, id);

CREATE INDEX call_by_due_date ON payments.call USING btree (due_on, id);

CREATE INDEX call_by_fund ON payments.call USING btree (fund_id, due_on, id);

CREATE INDEX call_to_watch ON payments.call USING btree (fund_id, watch_on) WHERE (watch_on IS NOT NULL);

CREATE INDEX fund_policy_applying ON payments.fund_policy USING btree (fund_id) WHERE (over_payment = 'apply_and_hold_excess'::text);

CREATE INDEX fund_policy_tolerant ON payments.fund_policy USING btree (fund_id) WHERE (short_tolerance_minor > 0);

CREATE INDEX hold_by_age ON payments.hold USING btree (state, opened_at, id);

CREATE INDEX hold_by_amount ON payments.hold USING btree (state, amount_minor DESC, id);

CREATE INDEX hold_by_payment ON payments.hold USING btree (payment_id);

CREATE UNIQUE INDEX hold_of_conflict ON payments.hold USING btree (conflict_id) WHERE (conflict_id IS NOT NULL);

CREATE UNIQUE INDEX hold_open ON payments.hold USING btree (payment_id) WHERE (resolution IS NULL);

CREATE INDEX hold_waiting ON payments.hold USING btree (reason, payment_id) WHERE (resolution IS NULL);

CREATE INDEX idempotency_key_age ON payments.idempotency_key USING btree (created_at);

CREATE INDEX outbox_parked ON payments.outbox USING btree (id) WHERE (parked_reason IS NOT NULL);

CREATE INDEX payment_by_call ON payments.payment USING btree (booked_to);

CREATE INDEX payment_by_remitter ON payments.payment USING btree (payments.remitter_key(account_hash, remitter_name), value_date) WHERE ((account_hash IS NOT NULL) OR (remitter_name IS NOT NULL));

CREATE INDEX payment_elsewhere ON payments.payment USING btree (status, id) WHERE (status <> 'applied'::text);

CREATE INDEX payment_on_hold ON payments.payment USING btree (source_id, payments.remitter_key(account_hash, remitter_name), value_date) WHERE (held_minor > 0);

CREATE UNIQUE INDEX payment_reversed_once ON payments.payment USING btree (original_id) WHERE (original_id IS NOT NULL);

CREATE INDEX posting_by_call ON payments.later_posting USING btree (call_id, id);

CREATE INDEX posting_by_payment ON payments.later_posting USING btree (payment_id);

CREATE UNIQUE INDEX posting_undone_once ON payments.later_posting USING btree (undoes) WHERE (undoes IS NOT NULL);

CREATE INDEX resolution_by_hold ON payments.resolution USING btree (hold_id) WHERE (hold_id IS NOT NULL);

CREATE INDEX resolution_by_payment ON payments.resolution USING btree (payment_id);

CREATE INDEX same_account_members ON payments.same_account USING btree (bank_account, alias);

CREATE INDEX statement_entry_end_to_end ON payments.statement_entry USING btree (source_id, end_to_end_id) WHERE (published AND (kind = 'credit'::text) AND (end_to_end_id IS NOT NULL));

CREATE INDEX statement_entry_published_identity ON payments.statement_entry USING btree (source_id, payment_id) WHERE published;

CREATE INDEX statement_entry_uetr ON payments.statement_entry USING btree (source_id, uetr) WHERE (published AND (kind = 'credit'::text) AND (uetr IS NOT NULL));

CREATE INDEX statement_in_chain ON payments.statement USING btree (source_id, last_day, first_day, id);

CREATE TRIGGER call_moves_forward BEFORE UPDATE ON payments.call FOR EACH ROW WHEN (((new.version < old.version) OR (new.postings < old.postings) OR (old.cancelled AND (NOT new.cancelled)) OR (old.defaulted AND (NOT new.defaulted)) OR ((old.released_minor > 0) AND (new.released_minor <> old.released_minor)))) EXECUTE FUNCTION payments.refuse_step_back();

CREATE TRIGGER payments_refer AFTER INSERT ON payments.payment REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION payments.check_payments();

CREATE TRIGGER postings_refer AFTER INSERT ON payments.later_posting REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION payments.check_postings();

ALTER TABLE ONLY payments.account_credit
    ADD CONSTRAINT account_credit_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments.payment(id);

ALTER TABLE ONLY payments.account_credit
    ADD CONSTRAINT account_credit_source_id_fkey FOREIGN KEY (source_id) REFERENCES payments.source(id);

ALTER TABLE ONLY payments.account
    ADD CONSTRAINT account_fund_id_fkey FOREIGN KEY (fund_id) REFERENCES payments.fund(id);

ALTER TABLE ONLY payments.bank_file_piece
    ADD CONSTRAINT bank_file_piece_file_id_fkey FOREIGN KEY (file_id) REFERENCES payments.bank_file(id);

ALTER TABLE ONLY payments.call
    ADD CONSTRAINT call_fund_id_fkey FOREIGN KEY (fund_id) REFERENCES payments.fund(id);

ALTER TABLE ONLY payments.charge
    ADD CONSTRAINT charge_call_id_fkey FOREIGN KEY (call_id) REFERENCES payments.call(id);

ALTER TABLE ONLY payments.charge
    ADD CONSTRAINT charge_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments.payment(id);

ALTER TABLE ONLY payments.conflict
    ADD CONSTRAINT conflict_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments.payment(id);

ALTER TABLE ONLY payments.conflict
    ADD CONSTRAINT conflict_source_id_fkey FOREIGN KEY (source_id) REFERENCES payments.source(id);

ALTER TABLE ONLY payments.fund_policy
    ADD CONSTRAINT fund_policy_fund_id_fkey FOREIGN KEY (fund_id) REFERENCES payments.fund(id);

ALTER TABLE ONLY payments.hold
    ADD CONSTRAINT hold_conflict_id_fkey FOREIGN KEY (conflict_id) REFERENCES payments.conflict(id);

ALTER TABLE ONLY payments.hold
    ADD CONSTRAINT hold_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments.payment(id);

ALTER TABLE ONLY payments.payment
    ADD CONSTRAINT payment_original_id_fkey FOREIGN KEY (original_id) REFERENCES payments.payment(id);

ALTER TABLE ONLY payments.resolution
    ADD CONSTRAINT resolution_conflict_id_fkey FOREIGN KEY (conflict_id) REFERENCES payments.conflict(id);

ALTER TABLE ONLY payments.resolution
    ADD CONSTRAINT resolution_hold_id_fkey FOREIGN KEY (hold_id) REFERENCES payments.hold(id);

ALTER TABLE ONLY payments.resolution
    ADD CONSTRAINT resolution_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payments.payment(id);

ALTER TABLE ONLY payments.same_account
    ADD CONSTRAINT same_account_alias_fkey FOREIGN KEY (alias) REFERENCES payments.account(alias);

ALTER TABLE ONLY payments.statement_entry
    ADD CONSTRAINT statement_entry_source_id_fkey FOREIGN KEY (source_id) REFERENCES payments.statement_source(id);

ALTER TABLE ONLY payments.statement_entry
    ADD CONSTRAINT statement_entry_statement_id_fkey FOREIGN KEY (statement_id) REFERENCES payments.statement(id);

ALTER TABLE ONLY payments.statement
    ADD CONSTRAINT statement_file_id_fkey FOREIGN KEY (file_id) REFERENCES payments.bank_file(id);

ALTER TABLE ONLY payments.statement
    ADD CONSTRAINT statement_source_id_fkey FOREIGN KEY (source_id) REFERENCES payments.statement_source(id);
