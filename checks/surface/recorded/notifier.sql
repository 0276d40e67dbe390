-- migrated to 0009
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA notifier;
ALTER SCHEMA notifier OWNER TO notifier;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE notifier.alembic_version (
    version_num character varying(32) NOT NULL
);
ALTER TABLE notifier.alembic_version OWNER TO notifier;
CREATE TABLE notifier.alert (
    number bigint NOT NULL,
    id uuid NOT NULL,
    latch_id uuid NOT NULL,
    message_id uuid NOT NULL,
    recipient text NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by text
);
ALTER TABLE notifier.alert OWNER TO notifier;
ALTER TABLE notifier.alert ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notifier.alert_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE notifier.attempt (
    message_id uuid NOT NULL,
    number integer NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    reason text,
    receipt jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE notifier.attempt OWNER TO notifier;
CREATE TABLE notifier.contraction (
    revision text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE notifier.contraction OWNER TO notifier;
CREATE TABLE notifier.disabled_webhook (
    lane text NOT NULL,
    message_id uuid NOT NULL,
    disabled_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE notifier.disabled_webhook OWNER TO notifier;
CREATE TABLE notifier.epoch (
    name text NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    cut text NOT NULL,
    base jsonb NOT NULL
);
ALTER TABLE notifier.epoch OWNER TO notifier;
CREATE TABLE notifier.evaluated_cut (
    one boolean DEFAULT true NOT NULL,
    term bigint NOT NULL,
    cut bigint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    full_term bigint NOT NULL,
    full_cut bigint NOT NULL,
    full_offset bigint NOT NULL,
    CONSTRAINT evaluated_cut_one_check CHECK (one)
)
WITH (fillfactor='50');
ALTER TABLE notifier.evaluated_cut OWNER TO notifier;
CREATE TABLE notifier.latch (
    id uuid NOT NULL,
    scope text NOT NULL,
    region text NOT NULL,
    rule text NOT NULL,
    threshold bigint NOT NULL,
    epoch text NOT NULL,
    epoch_name text NOT NULL,
    number integer NOT NULL,
    measure text NOT NULL,
    value bigint NOT NULL,
    count bigint NOT NULL,
    percent integer,
    target bigint,
    cut text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    crossed_at timestamp with time zone DEFAULT now() NOT NULL,
    state text DEFAULT 'crossed'::text NOT NULL,
    retracted_at timestamp with time zone,
    retracted_cut text,
    retracted_value bigint,
    register_epoch bigint DEFAULT 1 NOT NULL,
    CONSTRAINT latch_state_check CHECK ((state = ANY (ARRAY['crossed'::text, 'retracted'::text])))
);
ALTER TABLE notifier.latch OWNER TO notifier;
CREATE TABLE notifier.lease (
    name text NOT NULL,
    holder text NOT NULL,
    term bigint NOT NULL,
    until timestamp with time zone NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE notifier.lease OWNER TO notifier;
CREATE TABLE notifier.message (
    id uuid NOT NULL,
    recipient text NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    reason text,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    claimed_until timestamp with time zone,
    retried_since timestamp with time zone,
    next_recipient text,
    lane text GENERATED ALWAYS AS (
CASE channel
    WHEN 'webhook'::text THEN regexp_replace(recipient, '^.*/'::text, ''::text)
    ELSE channel
END) STORED NOT NULL,
    merged_into uuid,
    is_repeat boolean DEFAULT false NOT NULL,
    CONSTRAINT message_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'webhook'::text]))),
    CONSTRAINT message_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'held'::text, 'sending'::text, 'retry'::text, 'delivered'::text, 'dead'::text, 'unconfirmed'::text, 'discarded'::text, 'merged'::text])))
)
WITH (fillfactor='70');
ALTER TABLE notifier.message OWNER TO notifier;
CREATE TABLE notifier.outbox (
    topic text NOT NULL,
    last_sequence bigint DEFAULT 0 NOT NULL,
    published bigint DEFAULT 0 NOT NULL,
    topic_start bigint DEFAULT 0 NOT NULL,
    CONSTRAINT outbox_check CHECK ((published <= last_sequence))
)
WITH (fillfactor='50');
ALTER TABLE notifier.outbox OWNER TO notifier;
CREATE TABLE notifier.outbox_record (
    topic text NOT NULL,
    sequence bigint NOT NULL,
    key text NOT NULL,
    value text
);
ALTER TABLE notifier.outbox_record OWNER TO notifier;
CREATE TABLE notifier.published_rules (
    one boolean DEFAULT true NOT NULL,
    value text NOT NULL,
    CONSTRAINT published_rules_one_check CHECK (one)
);
ALTER TABLE notifier.published_rules OWNER TO notifier;
CREATE TABLE notifier.silence (
    id uuid NOT NULL,
    recipient text,
    region text,
    rule text,
    until timestamp with time zone NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    body_hash text NOT NULL
);
ALTER TABLE notifier.silence OWNER TO notifier;
ALTER TABLE ONLY notifier.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_number_key UNIQUE (number);
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (message_id, number);
ALTER TABLE ONLY notifier.contraction
    ADD CONSTRAINT contraction_pkey PRIMARY KEY (revision);
ALTER TABLE ONLY notifier.disabled_webhook
    ADD CONSTRAINT disabled_webhook_pkey PRIMARY KEY (lane);
ALTER TABLE ONLY notifier.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (name);
ALTER TABLE ONLY notifier.evaluated_cut
    ADD CONSTRAINT evaluated_cut_pkey PRIMARY KEY (one);
ALTER TABLE ONLY notifier.latch
    ADD CONSTRAINT latch_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.latch
    ADD CONSTRAINT latch_scope_region_rule_threshold_epoch_key UNIQUE (scope, region, rule, threshold, epoch);
ALTER TABLE ONLY notifier.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (name);
ALTER TABLE ONLY notifier.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (topic);
ALTER TABLE ONLY notifier.outbox_record
    ADD CONSTRAINT outbox_record_pkey PRIMARY KEY (topic, sequence);
ALTER TABLE ONLY notifier.published_rules
    ADD CONSTRAINT published_rules_pkey PRIMARY KEY (one);
ALTER TABLE ONLY notifier.silence
    ADD CONSTRAINT silence_pkey PRIMARY KEY (id);
CREATE INDEX alert_latch ON notifier.alert USING btree (latch_id);
CREATE INDEX alert_message ON notifier.alert USING btree (message_id);
CREATE INDEX message_merged_into ON notifier.message USING btree (merged_into) WHERE (merged_into IS NOT NULL);
CREATE INDEX message_open ON notifier.message USING btree (lane, due_at) WHERE (ended_at IS NULL);
CREATE INDEX silence_until ON notifier.silence USING btree (until);
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_latch_id_fkey FOREIGN KEY (latch_id) REFERENCES notifier.latch(id);
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_message_id_fkey FOREIGN KEY (message_id) REFERENCES notifier.message(id);
ALTER TABLE ONLY notifier.attempt
    ADD CONSTRAINT attempt_message_id_fkey FOREIGN KEY (message_id) REFERENCES notifier.message(id);
ALTER TABLE ONLY notifier.disabled_webhook
    ADD CONSTRAINT disabled_webhook_message_id_fkey FOREIGN KEY (message_id) REFERENCES notifier.message(id);
ALTER TABLE ONLY notifier.message
    ADD CONSTRAINT message_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES notifier.message(id);
ALTER TABLE ONLY notifier.outbox_record
    ADD CONSTRAINT outbox_record_topic_fkey FOREIGN KEY (topic) REFERENCES notifier.outbox(topic);
GRANT USAGE ON SCHEMA notifier TO notifier_service;
GRANT SELECT ON TABLE notifier.alembic_version TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.alert TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.attempt TO notifier_service;
GRANT SELECT ON TABLE notifier.contraction TO notifier_service;
GRANT SELECT,INSERT,DELETE ON TABLE notifier.disabled_webhook TO notifier_service;
GRANT SELECT,INSERT ON TABLE notifier.epoch TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.evaluated_cut TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.latch TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.lease TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.message TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.outbox TO notifier_service;
GRANT SELECT,INSERT,DELETE ON TABLE notifier.outbox_record TO notifier_service;
GRANT SELECT,INSERT,UPDATE ON TABLE notifier.published_rules TO notifier_service;
GRANT SELECT,INSERT ON TABLE notifier.silence TO notifier_service;
