CREATE SCHEMA allocations;

CREATE TYPE allocations.allocation_step AS (
	id bigint,
	planned bigint,
	called bigint,
	funded bigint,
	fresh boolean,
	status text,
	previous_status text,
	cause text,
	changed_at timestamp with time zone,
	version integer
);

CREATE TYPE allocations.call_report AS (
	id bigint,
	known_version bigint,
	version bigint,
	released bigint,
	paid bigint,
	postings bigint,
	status text,
	last_paid_on date
);

CREATE FUNCTION allocations.plan_adds_up() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    wanted bigint;
begin
    if tg_table_name = 'call' then
        wanted := new.allocation_id;
    else
        wanted := new.id;
    end if;
    perform
       from allocations.allocation a
      cross join lateral (
            select coalesce(sum(c.amount_minor - c.released_minor), 0) as planned,
                   coalesce(sum(c.amount_minor - c.released_minor) filter (where c.stage = 'issued'), 0) as called
              from allocations.call c
             where c.allocation_id = a.id
               and c.stage in ('pending_approval', 'scheduled', 'issued')
               and c.receivable_status is distinct from 'cancelled'
            ) calls
      where a.id = wanted
        and (a.planned_minor <> calls.planned or a.called_minor <> calls.called);
    if found then
        raise exception using
            errcode = 'check_violation',
            constraint = 'plan_adds_up',
            message = format('planned and called of allocation %s are not the sums over its calls', wanted);
    end if;
    return null;
end
$$;

CREATE FUNCTION allocations.refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception using errcode = 'restrict_violation', message = tg_argv[0];
end
$$;

CREATE FUNCTION allocations.reserves_share_a_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if exists (
        select from (select distinct fund_id, allocation_version from written) w
          join allocations.reserve r on r.fund_id = w.fund_id and r.allocation_version <> w.allocation_version
    ) then
        -- A serialization failure: whoever waited while a company was added does it again, and then sees it too.
        raise exception using errcode = 'serialization_failure', message = 'all reserves of a fund have one version';
    end if;
    return null;
end
$$;

CREATE TABLE allocations.allocation (
    id bigint NOT NULL,
    fund_id bigint NOT NULL,
    deal_id bigint NOT NULL,
    currency text NOT NULL,
    exponent smallint NOT NULL,
    committed_minor bigint NOT NULL,
    planned_minor bigint NOT NULL,
    called_minor bigint NOT NULL,
    funded_minor bigint NOT NULL,
    fresh boolean NOT NULL,
    status text NOT NULL,
    previous_status text,
    cause text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    version integer NOT NULL,
    CONSTRAINT allocation_version_check CHECK ((version >= 1)),
    CONSTRAINT amounts_in_order CHECK (((0 <= funded_minor) AND (funded_minor <= called_minor) AND (called_minor <= planned_minor) AND (planned_minor <= committed_minor))),
    CONSTRAINT committed_within_bounds CHECK (((committed_minor > 0) AND (committed_minor <= ('10000000000000'::bigint *
CASE exponent
    WHEN 0 THEN 1
    WHEN 1 THEN 10
    WHEN 2 THEN 100
    WHEN 3 THEN 1000
    WHEN 4 THEN 10000
    ELSE NULL::integer
END)))),
    CONSTRAINT first_version_has_no_past CHECK (((version = 1) = (previous_status IS NULL))),
    CONSTRAINT known_cause CHECK ((cause = ANY (ARRAY['ALLOCATE'::text, 'CREATE_CALL'::text, 'CALL_PLANNED'::text, 'CALL_WITHDRAWN'::text, 'PAYMENT_RECEIVED'::text, 'PAYMENT_REVERSED'::text, 'CALL_CANCELLED'::text]))),
    CONSTRAINT status_follows_from_amounts CHECK ((status =
CASE
    WHEN (called_minor = 0) THEN 'committed'::text
    WHEN (funded_minor = committed_minor) THEN 'funded'::text
    WHEN ((funded_minor > 0) AND (NOT fresh)) THEN 'partially_funded'::text
    WHEN (called_minor = committed_minor) THEN 'called'::text
    ELSE 'partially_called'::text
END))
)
WITH (fillfactor='70');

CREATE SEQUENCE allocations.allocation_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE allocations.call (
    id bigint NOT NULL,
    allocation_id bigint NOT NULL,
    seq_no integer NOT NULL,
    amount_minor bigint NOT NULL,
    due_date date NOT NULL,
    notice_date date NOT NULL,
    priority text NOT NULL,
    from_schedule boolean NOT NULL,
    grace_days integer NOT NULL,
    cure_days integer NOT NULL,
    stage text NOT NULL,
    previous_stage text,
    issued_on date,
    changed_at timestamp with time zone NOT NULL,
    terms_version integer NOT NULL,
    report_version bigint DEFAULT 0 NOT NULL,
    released_minor bigint DEFAULT 0 NOT NULL,
    paid_minor bigint DEFAULT 0 NOT NULL,
    postings bigint DEFAULT 0 NOT NULL,
    receivable_status text,
    last_paid_on date,
    CONSTRAINT amount_above_zero CHECK (((amount_minor > 0) OR ((amount_minor = 0) AND from_schedule))),
    CONSTRAINT call_cure_days_check CHECK ((cure_days >= 0)),
    CONSTRAINT call_grace_days_check CHECK ((grace_days >= 0)),
    CONSTRAINT call_id_check CHECK (((id >= 1) AND (id <= '9999999999'::bigint))),
    CONSTRAINT call_postings_check CHECK ((postings >= 0)),
    CONSTRAINT call_report_version_check CHECK ((report_version >= 0)),
    CONSTRAINT call_seq_no_check CHECK ((seq_no >= 1)),
    CONSTRAINT call_terms_version_check CHECK ((terms_version >= 1)),
    CONSTRAINT cancelled_is_unpaid CHECK (((receivable_status <> 'cancelled'::text) OR ((paid_minor = 0) AND (amount_minor > 0)))),
    CONSTRAINT first_stage_has_no_past CHECK (((terms_version = 1) = (previous_stage IS NULL))),
    CONSTRAINT issued_on_a_day CHECK (((stage = 'issued'::text) = (issued_on IS NOT NULL))),
    CONSTRAINT known_receivable_status CHECK ((receivable_status = ANY (ARRAY['called'::text, 'partially_paid'::text, 'paid'::text, 'overdue'::text, 'defaulted'::text, 'cancelled'::text]))),
    CONSTRAINT known_stage CHECK ((stage = ANY (ARRAY['pending_approval'::text, 'rejected'::text, 'scheduled'::text, 'withdrawn'::text, 'issued'::text]))),
    CONSTRAINT notice_before_due CHECK ((notice_date <= due_date)),
    CONSTRAINT paid_within_amount CHECK (((0 <= paid_minor) AND (0 <= released_minor) AND ((paid_minor + released_minor) <= amount_minor))),
    CONSTRAINT reported_once_issued CHECK (
CASE
    WHEN (report_version = 0) THEN ((receivable_status IS NULL) AND (postings = 0) AND (paid_minor = 0) AND (released_minor = 0))
    ELSE ((receivable_status IS NOT NULL) AND (stage = 'issued'::text))
END)
)
WITH (fillfactor='70');

CREATE SEQUENCE allocations.call_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 9999999999
    CACHE 1;

CREATE TABLE allocations.dead_letter (
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

ALTER TABLE allocations.dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME allocations.dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE allocations.deal (
    id bigint NOT NULL,
    name text NOT NULL,
    stage text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    version integer NOT NULL,
    CONSTRAINT deal_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT deal_stage_check CHECK ((stage = ANY (ARRAY['prospect'::text, 'committed'::text, 'funded'::text]))),
    CONSTRAINT deal_version_check CHECK ((version >= 1))
)
WITH (fillfactor='70');

CREATE SEQUENCE allocations.deal_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE allocations.fund (
    id bigint NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    exponent smallint NOT NULL,
    time_zone text NOT NULL,
    size_minor bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    version integer NOT NULL,
    CONSTRAINT fund_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT fund_exponent_check CHECK (((exponent >= 0) AND (exponent <= 4))),
    CONSTRAINT fund_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT fund_size_minor_check CHECK ((size_minor > 0)),
    CONSTRAINT fund_time_zone_check CHECK (((length(time_zone) >= 1) AND (length(time_zone) <= 200))),
    CONSTRAINT fund_version_check CHECK ((version >= 1))
);

CREATE SEQUENCE allocations.fund_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE allocations.idempotency_key (
    caller text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    body_sha256 bytea NOT NULL,
    status smallint NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE allocations.import_key (
    kind text NOT NULL,
    key text NOT NULL,
    id bigint NOT NULL,
    content bytea NOT NULL,
    dated_on date,
    import_id bytea NOT NULL,
    row_number bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT import_key_content_check CHECK ((length(content) = 16)),
    CONSTRAINT import_key_import_id_check CHECK ((length(import_id) = 32)),
    CONSTRAINT import_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CONSTRAINT import_key_kind_check CHECK ((kind = ANY (ARRAY['fund'::text, 'deal'::text, 'allocation'::text, 'call'::text]))),
    CONSTRAINT import_key_row_number_check CHECK ((row_number >= 1))
);

CREATE TABLE allocations.outbox (
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
ALTER TABLE ONLY allocations.outbox ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE ONLY allocations.outbox ALTER COLUMN subjects SET STORAGE EXTERNAL;
ALTER TABLE ONLY allocations.outbox ALTER COLUMN payloads SET STORAGE EXTERNAL;

CREATE VIEW allocations.outbox_event WITH (security_invoker='true') AS
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
   FROM (allocations.outbox o
     CROSS JOIN LATERAL UNNEST(o.keys, o.subjects, COALESCE(o.headers, array_fill(NULL::text, ARRAY[o.events])), o.payloads) WITH ORDINALITY e(key, subject, headers, payload, n));

ALTER TABLE allocations.outbox ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME allocations.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE allocations."position" (
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

CREATE TABLE allocations.reallocation_audit (
    id uuid NOT NULL,
    fund_id bigint NOT NULL,
    kind text NOT NULL,
    user_id bigint,
    actor text NOT NULL,
    baseline_version integer NOT NULL,
    new_version integer NOT NULL,
    changes_json jsonb NOT NULL,
    reason text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT reallocation_audit_actor_check CHECK (((length(actor) >= 1) AND (length(actor) <= 200))),
    CONSTRAINT reallocation_audit_baseline_version_check CHECK ((baseline_version >= 0)),
    CONSTRAINT reallocation_audit_changes_something CHECK (((jsonb_typeof(changes_json) = 'array'::text) AND (changes_json <> '[]'::jsonb))),
    CONSTRAINT reallocation_audit_kind_check CHECK ((kind = ANY (ARRAY['set_up'::text, 'reallocation'::text]))),
    CONSTRAINT reallocation_audit_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 200))),
    CONSTRAINT reallocation_audit_user_id_check CHECK ((user_id >= 1)),
    CONSTRAINT reallocation_audit_version_rises CHECK ((new_version > baseline_version))
);

CREATE TABLE allocations.reallocation_template (
    fund_id bigint NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    basis text NOT NULL,
    shares jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT reallocation_template_basis_check CHECK ((basis = ANY (ARRAY['percent'::text, 'amount'::text]))),
    CONSTRAINT reallocation_template_created_by_check CHECK (((length(created_by) >= 1) AND (length(created_by) <= 200))),
    CONSTRAINT reallocation_template_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT reallocation_template_shares_check CHECK (((jsonb_typeof(shares) = 'array'::text) AND (shares <> '[]'::jsonb))),
    CONSTRAINT reallocation_template_version_check CHECK ((version >= 1))
);

CREATE TABLE allocations.reserve (
    fund_id bigint NOT NULL,
    company_id bigint NOT NULL,
    planned_reserves_minor bigint NOT NULL,
    allocation_cap_minor bigint,
    allocation_version integer NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT reserve_allocation_cap_minor_check CHECK (((allocation_cap_minor >= 0) AND (allocation_cap_minor <= '999999999999999'::bigint))),
    CONSTRAINT reserve_allocation_version_check CHECK ((allocation_version >= 1)),
    CONSTRAINT reserve_planned_reserves_minor_check CHECK (((planned_reserves_minor >= 0) AND (planned_reserves_minor <= '999999999999999'::bigint)))
)
WITH (fillfactor='50');

CREATE TABLE allocations.scheduled_reallocation (
    id bigint NOT NULL,
    run_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    commits jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    parked_code text,
    parked_reason text,
    audit_ids uuid[],
    CONSTRAINT scheduled_reallocation_commits_check CHECK (((jsonb_typeof(commits) = 'array'::text) AND (commits <> '[]'::jsonb))),
    CONSTRAINT scheduled_reallocation_created_by_check CHECK (((length(created_by) >= 1) AND (length(created_by) <= 200))),
    CONSTRAINT scheduled_reallocation_says_how_it_ended CHECK ((((status = 'waiting'::text) = (ended_at IS NULL)) AND ((status = 'parked'::text) = ((parked_code IS NOT NULL) AND (parked_reason IS NOT NULL))) AND ((status = 'done'::text) = (audit_ids IS NOT NULL)))),
    CONSTRAINT scheduled_reallocation_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'done'::text, 'parked'::text, 'cancelled'::text])))
);

CREATE SEQUENCE allocations.scheduled_reallocation_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER TABLE ONLY allocations.allocation
    ADD CONSTRAINT allocation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY allocations.call
    ADD CONSTRAINT call_allocation_id_seq_no_key UNIQUE (allocation_id, seq_no);

ALTER TABLE ONLY allocations.call
    ADD CONSTRAINT call_pkey PRIMARY KEY (id);

ALTER TABLE ONLY allocations.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY allocations.dead_letter
    ADD CONSTRAINT dead_letter_topic_partition_incarnation_record_offset_key UNIQUE (topic, partition, incarnation, record_offset);

ALTER TABLE ONLY allocations.deal
    ADD CONSTRAINT deal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY allocations.fund
    ADD CONSTRAINT fund_id_currency_exponent_key UNIQUE (id, currency, exponent);

ALTER TABLE ONLY allocations.fund
    ADD CONSTRAINT fund_pkey PRIMARY KEY (id);

ALTER TABLE ONLY allocations.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (caller, method, path, key);

ALTER TABLE ONLY allocations.import_key
    ADD CONSTRAINT import_key_once PRIMARY KEY (kind, key);

ALTER TABLE ONLY allocations.allocation
    ADD CONSTRAINT one_allocation_per_fund_and_deal UNIQUE (deal_id, fund_id);

ALTER TABLE ONLY allocations.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id, begins);

ALTER TABLE ONLY allocations."position"
    ADD CONSTRAINT position_pkey PRIMARY KEY (topic, partition);

ALTER TABLE ONLY allocations.reallocation_audit
    ADD CONSTRAINT reallocation_audit_one_per_version UNIQUE (fund_id, new_version);

ALTER TABLE ONLY allocations.reallocation_audit
    ADD CONSTRAINT reallocation_audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY allocations.reallocation_template
    ADD CONSTRAINT reallocation_template_pkey PRIMARY KEY (fund_id, name, version);

ALTER TABLE ONLY allocations.reserve
    ADD CONSTRAINT reserve_pkey PRIMARY KEY (fund_id, company_id);

ALTER TABLE ONLY allocations.scheduled_reallocation
    ADD CONSTRAINT scheduled_reallocation_pkey PRIMARY KEY (id);

CREATE INDEX allocation_by_fund ON allocations.allocation USING btree (fund_id, id);

CREATE INDEX call_awaiting_notice ON allocations.call USING btree (notice_date, id) WHERE (stage = 'scheduled'::text);

CREATE INDEX idempotency_key_age ON allocations.idempotency_key USING btree (created_at);

CREATE INDEX outbox_parked ON allocations.outbox USING btree (id) WHERE (parked_reason IS NOT NULL);

CREATE INDEX reallocation_audit_by_change ON allocations.reallocation_audit USING gin (changes_json jsonb_path_ops);

CREATE INDEX reallocation_audit_by_user ON allocations.reallocation_audit USING btree (user_id, id) WHERE (user_id IS NOT NULL);

CREATE INDEX reallocation_audit_by_version ON allocations.reallocation_audit USING btree (new_version, id);

CREATE INDEX scheduled_reallocation_by_status ON allocations.scheduled_reallocation USING btree (status, id);

CREATE INDEX scheduled_reallocation_due ON allocations.scheduled_reallocation USING btree (run_at, id) WHERE (status = 'waiting'::text);

CREATE TRIGGER allocation_is_a_promise BEFORE UPDATE OF id, fund_id, deal_id, currency, exponent, committed_minor ON allocations.allocation FOR EACH ROW WHEN (((((((old.id IS DISTINCT FROM new.id) OR (old.fund_id IS DISTINCT FROM new.fund_id)) OR (old.deal_id IS DISTINCT FROM new.deal_id)) OR (old.currency IS DISTINCT FROM new.currency)) OR (old.exponent IS DISTINCT FROM new.exponent)) OR (old.committed_minor IS DISTINCT FROM new.committed_minor))) EXECUTE FUNCTION allocations.refuse('what was committed, by whom and to whom, never changes');

CREATE TRIGGER allocation_is_never_deleted BEFORE DELETE OR TRUNCATE ON allocations.allocation FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('allocations are never deleted');

CREATE TRIGGER allocation_versions_count_by_one BEFORE UPDATE ON allocations.allocation FOR EACH ROW WHEN ((new.version <> (old.version + 1))) EXECUTE FUNCTION allocations.refuse('each change of an allocation is its next version');

CREATE TRIGGER call_is_never_another BEFORE UPDATE OF id, allocation_id, seq_no, from_schedule ON allocations.call FOR EACH ROW WHEN (((((old.id IS DISTINCT FROM new.id) OR (old.allocation_id IS DISTINCT FROM new.allocation_id)) OR (old.seq_no IS DISTINCT FROM new.seq_no)) OR (old.from_schedule IS DISTINCT FROM new.from_schedule))) EXECUTE FUNCTION allocations.refuse('a call never becomes another call');

CREATE TRIGGER call_is_never_deleted BEFORE DELETE OR TRUNCATE ON allocations.call FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('calls are never deleted');

CREATE TRIGGER call_reports_never_go_back BEFORE UPDATE OF report_version ON allocations.call FOR EACH ROW WHEN ((new.report_version < old.report_version)) EXECUTE FUNCTION allocations.refuse('a newer report of a call is known already');

CREATE TRIGGER call_stages_follow_the_table BEFORE UPDATE OF stage ON allocations.call FOR EACH ROW WHEN (((old.stage <> new.stage) AND ((((((old.stage <> 'pending_approval'::text) OR (new.stage <> 'scheduled'::text)) AND ((old.stage <> 'pending_approval'::text) OR (new.stage <> 'rejected'::text))) AND ((old.stage <> 'pending_approval'::text) OR (new.stage <> 'withdrawn'::text))) AND ((old.stage <> 'scheduled'::text) OR (new.stage <> 'withdrawn'::text))) AND ((old.stage <> 'scheduled'::text) OR (new.stage <> 'issued'::text))))) EXECUTE FUNCTION allocations.refuse('a call cannot go from this stage to that one');

CREATE TRIGGER call_terms_are_frozen BEFORE UPDATE OF amount_minor, due_date, notice_date, priority, grace_days, cure_days, issued_on, stage ON allocations.call FOR EACH ROW WHEN (((old.stage = ANY (ARRAY['issued'::text, 'rejected'::text, 'withdrawn'::text])) AND ((((((((old.amount_minor IS DISTINCT FROM new.amount_minor) OR (old.due_date IS DISTINCT FROM new.due_date)) OR (old.notice_date IS DISTINCT FROM new.notice_date)) OR (old.priority IS DISTINCT FROM new.priority)) OR (old.grace_days IS DISTINCT FROM new.grace_days)) OR (old.cure_days IS DISTINCT FROM new.cure_days)) OR (old.issued_on IS DISTINCT FROM new.issued_on)) OR (old.stage IS DISTINCT FROM new.stage)))) EXECUTE FUNCTION allocations.refuse('the terms of a call are frozen once it is issued, rejected or withdrawn');

CREATE TRIGGER call_terms_versions_count_by_one BEFORE UPDATE OF stage, terms_version ON allocations.call FOR EACH ROW WHEN ((new.terms_version <> (old.terms_version + ((new.stage <> old.stage))::integer))) EXECUTE FUNCTION allocations.refuse('each change of a call''s terms is their next version');

CREATE TRIGGER deal_is_never_deleted BEFORE DELETE OR TRUNCATE ON allocations.deal FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('deals are never deleted');

CREATE TRIGGER deal_versions_count_by_one BEFORE UPDATE ON allocations.deal FOR EACH ROW WHEN ((new.version <> (old.version + 1))) EXECUTE FUNCTION allocations.refuse('each change of a deal is its next version');

CREATE TRIGGER fund_is_never_deleted BEFORE DELETE OR TRUNCATE ON allocations.fund FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('funds are never deleted');

CREATE TRIGGER import_key_is_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON allocations.import_key FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('what a key stands for never changes');

CREATE CONSTRAINT TRIGGER plan_adds_up_after_insert AFTER INSERT ON allocations.allocation DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION allocations.plan_adds_up();

CREATE CONSTRAINT TRIGGER plan_adds_up_after_insert AFTER INSERT ON allocations.call DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION allocations.plan_adds_up();

CREATE CONSTRAINT TRIGGER plan_adds_up_after_update AFTER UPDATE ON allocations.allocation DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((old.planned_minor IS DISTINCT FROM new.planned_minor) OR (old.called_minor IS DISTINCT FROM new.called_minor))) EXECUTE FUNCTION allocations.plan_adds_up();

CREATE CONSTRAINT TRIGGER plan_adds_up_after_update AFTER UPDATE ON allocations.call DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((((old.stage IS DISTINCT FROM new.stage) OR (old.amount_minor IS DISTINCT FROM new.amount_minor)) OR (old.released_minor IS DISTINCT FROM new.released_minor)) OR ((old.receivable_status IS DISTINCT FROM new.receivable_status) AND (new.receivable_status = 'cancelled'::text)))) EXECUTE FUNCTION allocations.plan_adds_up();

CREATE TRIGGER reallocation_audit_is_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON allocations.reallocation_audit FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('what was reallocated never changes');

CREATE TRIGGER reallocation_template_is_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON allocations.reallocation_template FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('a template that was saved never changes');

CREATE TRIGGER reserve_is_never_deleted BEFORE DELETE OR TRUNCATE ON allocations.reserve FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('reserves are never deleted: plan nothing instead');

CREATE TRIGGER reserve_versions_count_by_one BEFORE UPDATE ON allocations.reserve FOR EACH ROW WHEN ((new.allocation_version <> (old.allocation_version + 1))) EXECUTE FUNCTION allocations.refuse('each change of a fund''s reserves is their next version');

CREATE TRIGGER reserves_share_a_version_when_added AFTER INSERT ON allocations.reserve REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION allocations.reserves_share_a_version();

CREATE TRIGGER reserves_share_a_version_when_updated AFTER UPDATE ON allocations.reserve REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION allocations.reserves_share_a_version();

CREATE TRIGGER scheduled_reallocation_ends_once BEFORE UPDATE ON allocations.scheduled_reallocation FOR EACH ROW WHEN ((old.status <> 'waiting'::text)) EXECUTE FUNCTION allocations.refuse('what has ended stays as it is');

CREATE TRIGGER scheduled_reallocation_is_never_deleted BEFORE DELETE OR TRUNCATE ON allocations.scheduled_reallocation FOR EACH STATEMENT EXECUTE FUNCTION allocations.refuse('scheduled reallocations are never deleted: cancel them');

ALTER TABLE ONLY allocations.allocation
    ADD CONSTRAINT allocation_deal_id_fkey FOREIGN KEY (deal_id) REFERENCES allocations.deal(id);

ALTER TABLE ONLY allocations.allocation
    ADD CONSTRAINT allocation_fund_id_currency_exponent_fkey FOREIGN KEY (fund_id, currency, exponent) REFERENCES allocations.fund(id, currency, exponent);

ALTER TABLE ONLY allocations.call
    ADD CONSTRAINT call_allocation_id_fkey FOREIGN KEY (allocation_id) REFERENCES allocations.allocation(id);

ALTER TABLE ONLY allocations.reallocation_audit
    ADD CONSTRAINT reallocation_audit_fund_id_fkey FOREIGN KEY (fund_id) REFERENCES allocations.fund(id);

ALTER TABLE ONLY allocations.reallocation_template
    ADD CONSTRAINT reallocation_template_fund_id_fkey FOREIGN KEY (fund_id) REFERENCES allocations.fund(id);

ALTER TABLE ONLY allocations.reserve
    ADD CONSTRAINT reserve_company_id_fkey FOREIGN KEY (company_id) REFERENCES allocations.deal(id);

ALTER TABLE ONLY allocations.reserve
    ADD CONSTRAINT reserve_fund_id_fkey FOREIGN KEY (fund_id) REFERENCES allocations.fund(id);
