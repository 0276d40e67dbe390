-- migrated to 0014
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
CREATE SCHEMA registration;
ALTER SCHEMA registration OWNER TO registration;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE registration.agency (
    id text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE registration.agency OWNER TO registration;
CREATE TABLE registration.alembic_version (
    version_num character varying(32) NOT NULL
);
ALTER TABLE registration.alembic_version OWNER TO registration;
CREATE TABLE registration.api_key (
    id text NOT NULL,
    role text NOT NULL,
    hash bytea NOT NULL,
    label text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT api_key_role_check CHECK ((role = ANY (ARRAY['booth'::text, 'officer'::text, 'admin'::text])))
);
ALTER TABLE registration.api_key OWNER TO registration;
CREATE TABLE registration.campaign (
    id text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE registration.campaign OWNER TO registration;
CREATE TABLE registration.contraction (
    revision text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE registration.contraction OWNER TO registration;
CREATE TABLE registration.event (
    partition smallint NOT NULL,
    sequence bigint NOT NULL,
    id uuid NOT NULL,
    participant_id uuid NOT NULL,
    type text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    value text NOT NULL
);
ALTER TABLE registration.event OWNER TO registration;
CREATE TABLE registration.former_registration (
    id uuid CONSTRAINT participant_id_not_null NOT NULL,
    nik_hmac bytea,
    nik_cipher bytea,
    phone_cipher bytea,
    cipher_key_id text CONSTRAINT participant_cipher_key_id_not_null NOT NULL,
    name text,
    business jsonb,
    region text CONSTRAINT participant_region_not_null NOT NULL,
    agency text,
    campaign text,
    steps text[] CONSTRAINT participant_steps_not_null NOT NULL,
    standing text CONSTRAINT participant_standing_not_null NOT NULL,
    revision integer CONSTRAINT participant_revision_not_null NOT NULL,
    consent text CONSTRAINT participant_consent_not_null NOT NULL,
    channel text CONSTRAINT participant_channel_not_null NOT NULL,
    booth text,
    occurred_at timestamp with time zone,
    recorded_at timestamp with time zone CONSTRAINT participant_recorded_at_not_null NOT NULL,
    changed_at timestamp with time zone CONSTRAINT participant_changed_at_not_null NOT NULL,
    import_id text,
    merged_into uuid,
    erased_at timestamp with time zone,
    stock boolean CONSTRAINT participant_stock_not_null NOT NULL
);
ALTER TABLE registration.former_registration OWNER TO registration;
CREATE TABLE registration.idempotency (
    caller text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_hmac bytea NOT NULL,
    outcome text NOT NULL,
    participant_id uuid,
    region text,
    revision integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE registration.idempotency OWNER TO registration;
CREATE TABLE registration.import_again (
    import_id text NOT NULL,
    participant_id uuid NOT NULL,
    revision integer NOT NULL
);
ALTER TABLE registration.import_again OWNER TO registration;
CREATE TABLE registration.import_file (
    id text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    rows bigint,
    last_row bigint DEFAULT 0 NOT NULL,
    accepted bigint DEFAULT 0 NOT NULL,
    rejected bigint DEFAULT 0 NOT NULL,
    undone bigint DEFAULT 0 NOT NULL,
    caller text,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    fault text,
    heading_lines bigint DEFAULT 1 NOT NULL,
    blank bigint DEFAULT 0 NOT NULL,
    unchanged bigint DEFAULT 0 NOT NULL,
    differing bigint DEFAULT 0 NOT NULL,
    runs integer DEFAULT 1 NOT NULL,
    confirmed_by text,
    ignored text[] DEFAULT '{}'::text[] NOT NULL,
    notes jsonb DEFAULT '[]'::jsonb NOT NULL,
    headings text[] DEFAULT '{}'::text[] NOT NULL,
    separator text DEFAULT ','::text NOT NULL,
    counts_as text DEFAULT 'stock'::text NOT NULL,
    CONSTRAINT import_file_counts_as_check CHECK ((counts_as = ANY (ARRAY['stock'::text, 'live'::text]))),
    CONSTRAINT import_file_state_check CHECK ((state = ANY (ARRAY['running'::text, 'held'::text, 'done'::text, 'failed'::text, 'undoing'::text, 'undone'::text])))
);
ALTER TABLE registration.import_file OWNER TO registration;
CREATE TABLE registration.import_part (
    import_id text NOT NULL,
    number integer NOT NULL,
    sealed bytea NOT NULL
);
ALTER TABLE ONLY registration.import_part ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE registration.import_part OWNER TO registration;
CREATE TABLE registration.import_rejected (
    import_id text NOT NULL,
    "row" bigint NOT NULL,
    field text NOT NULL,
    reason text NOT NULL
);
ALTER TABLE registration.import_rejected OWNER TO registration;
CREATE TABLE registration.import_rejected_cells (
    import_id text NOT NULL,
    "row" bigint NOT NULL,
    cells bytea NOT NULL
);
ALTER TABLE registration.import_rejected_cells OWNER TO registration;
CREATE TABLE registration.lease (
    name text NOT NULL,
    holder text NOT NULL,
    term bigint NOT NULL,
    until timestamp with time zone NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE registration.lease OWNER TO registration;
CREATE TABLE registration.participant (
    id uuid NOT NULL,
    nik_hmac bytea,
    nik_cipher bytea,
    phone_cipher bytea,
    cipher_key_id text NOT NULL,
    name text,
    business jsonb,
    region text NOT NULL,
    agency text,
    campaign text,
    steps text[] DEFAULT '{}'::text[] NOT NULL,
    standing text DEFAULT 'registered'::text NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    consent text NOT NULL,
    channel text NOT NULL,
    booth text,
    occurred_at timestamp with time zone,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    import_id text,
    merged_into uuid,
    erased_at timestamp with time zone,
    stock boolean DEFAULT false NOT NULL,
    CONSTRAINT participant_check CHECK (((standing = 'merged'::text) = (merged_into IS NOT NULL))),
    CONSTRAINT participant_check1 CHECK (((erased_at IS NULL) OR ((nik_hmac IS NULL) AND (nik_cipher IS NULL) AND (phone_cipher IS NULL) AND (name IS NULL) AND (business IS NULL) AND (import_id IS NULL)))),
    CONSTRAINT participant_revision_check CHECK ((revision >= 1)),
    CONSTRAINT participant_standing_check CHECK ((standing = ANY (ARRAY['registered'::text, 'withdrawn'::text, 'merged'::text])))
);
ALTER TABLE registration.participant OWNER TO registration;
CREATE TABLE registration.partition (
    partition smallint NOT NULL,
    last_sequence bigint DEFAULT 0 NOT NULL,
    published bigint DEFAULT 0 NOT NULL,
    published_term bigint DEFAULT 0 NOT NULL,
    CONSTRAINT partition_last_sequence_check CHECK ((last_sequence >= 0)),
    CONSTRAINT partition_partition_check CHECK (((partition >= 0) AND (partition <= 11))),
    CONSTRAINT partition_published_check CHECK ((published >= 0))
)
WITH (fillfactor='50');
ALTER TABLE registration.partition OWNER TO registration;
CREATE TABLE registration.register (
    only_row boolean DEFAULT true NOT NULL,
    epoch integer DEFAULT 1 NOT NULL,
    recovered_at timestamp with time zone,
    refused text,
    refused_at timestamp with time zone,
    CONSTRAINT register_only_row_check CHECK (only_row)
);
ALTER TABLE registration.register OWNER TO registration;
CREATE UNLOGGED TABLE registration.token_bucket (
    name text NOT NULL,
    key bytea NOT NULL,
    full_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE registration.token_bucket OWNER TO registration;
CREATE TABLE registration.venue_code (
    code text NOT NULL,
    venue text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT venue_code_check CHECK ((valid_from < valid_until))
);
ALTER TABLE registration.venue_code OWNER TO registration;
ALTER TABLE ONLY registration.agency
    ADD CONSTRAINT agency_pkey PRIMARY KEY (id);
ALTER TABLE ONLY registration.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY registration.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY registration.campaign
    ADD CONSTRAINT campaign_pkey PRIMARY KEY (id);
ALTER TABLE ONLY registration.contraction
    ADD CONSTRAINT contraction_pkey PRIMARY KEY (revision);
ALTER TABLE ONLY registration.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (partition, sequence);
ALTER TABLE ONLY registration.former_registration
    ADD CONSTRAINT former_registration_pkey PRIMARY KEY (id, revision);
ALTER TABLE ONLY registration.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (caller, route, key);
ALTER TABLE ONLY registration.import_again
    ADD CONSTRAINT import_again_pkey PRIMARY KEY (import_id, participant_id);
ALTER TABLE ONLY registration.import_file
    ADD CONSTRAINT import_file_pkey PRIMARY KEY (id);
ALTER TABLE ONLY registration.import_part
    ADD CONSTRAINT import_part_pkey PRIMARY KEY (import_id, number);
ALTER TABLE ONLY registration.import_rejected_cells
    ADD CONSTRAINT import_rejected_cells_pkey PRIMARY KEY (import_id, "row");
ALTER TABLE ONLY registration.import_rejected
    ADD CONSTRAINT import_rejected_pkey PRIMARY KEY (import_id, "row", field);
ALTER TABLE ONLY registration.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (name);
ALTER TABLE ONLY registration.participant
    ADD CONSTRAINT participant_nik_hmac_key UNIQUE (nik_hmac);
ALTER TABLE ONLY registration.participant
    ADD CONSTRAINT participant_pkey PRIMARY KEY (id);
ALTER TABLE ONLY registration.partition
    ADD CONSTRAINT partition_pkey PRIMARY KEY (partition);
ALTER TABLE ONLY registration.register
    ADD CONSTRAINT register_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY registration.token_bucket
    ADD CONSTRAINT token_bucket_pkey PRIMARY KEY (name, key);
ALTER TABLE ONLY registration.venue_code
    ADD CONSTRAINT venue_code_pkey PRIMARY KEY (code);
CREATE INDEX idempotency_age ON registration.idempotency USING brin (created_at) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX participant_import ON registration.participant USING btree (import_id) WHERE (import_id IS NOT NULL);
CREATE INDEX participant_standing ON registration.participant USING btree (region, agency, campaign, steps, stock) WHERE (standing = 'registered'::text);
ALTER TABLE ONLY registration.import_again
    ADD CONSTRAINT import_again_import_id_fkey FOREIGN KEY (import_id) REFERENCES registration.import_file(id) ON DELETE CASCADE;
ALTER TABLE ONLY registration.import_again
    ADD CONSTRAINT import_again_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES registration.participant(id);
ALTER TABLE ONLY registration.import_part
    ADD CONSTRAINT import_part_import_id_fkey FOREIGN KEY (import_id) REFERENCES registration.import_file(id) ON DELETE CASCADE;
ALTER TABLE ONLY registration.import_rejected_cells
    ADD CONSTRAINT import_rejected_cells_import_id_fkey FOREIGN KEY (import_id) REFERENCES registration.import_file(id) ON DELETE CASCADE;
ALTER TABLE ONLY registration.import_rejected
    ADD CONSTRAINT import_rejected_import_id_fkey FOREIGN KEY (import_id) REFERENCES registration.import_file(id) ON DELETE CASCADE;
GRANT USAGE ON SCHEMA registration TO registration_api;
GRANT USAGE ON SCHEMA registration TO registration_relay;
GRANT SELECT,INSERT ON TABLE registration.agency TO registration_api;
GRANT SELECT ON TABLE registration.alembic_version TO registration_api;
GRANT SELECT ON TABLE registration.alembic_version TO registration_relay;
GRANT SELECT,INSERT,UPDATE ON TABLE registration.api_key TO registration_api;
GRANT SELECT,INSERT ON TABLE registration.campaign TO registration_api;
GRANT SELECT ON TABLE registration.contraction TO registration_api;
GRANT SELECT ON TABLE registration.contraction TO registration_relay;
REVOKE ALL ON TABLE registration.event FROM registration;
GRANT SELECT,INSERT,REFERENCES,TRIGGER,MAINTAIN ON TABLE registration.event TO registration;
GRANT INSERT ON TABLE registration.event TO registration_api;
GRANT SELECT ON TABLE registration.event TO registration_relay;
GRANT SELECT,INSERT,DELETE ON TABLE registration.former_registration TO registration_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registration.idempotency TO registration_api;
GRANT SELECT,INSERT,UPDATE ON TABLE registration.import_again TO registration_api;
GRANT SELECT,INSERT,UPDATE ON TABLE registration.import_file TO registration_api;
GRANT SELECT,INSERT,DELETE ON TABLE registration.import_part TO registration_api;
GRANT SELECT,INSERT,DELETE ON TABLE registration.import_rejected TO registration_api;
GRANT SELECT,INSERT,DELETE ON TABLE registration.import_rejected_cells TO registration_api;
GRANT SELECT,INSERT,UPDATE ON TABLE registration.lease TO registration_api;
GRANT SELECT,INSERT,UPDATE ON TABLE registration.lease TO registration_relay;
GRANT SELECT,INSERT,UPDATE ON TABLE registration.participant TO registration_api;
GRANT SELECT ON TABLE registration.participant TO registration_relay;
GRANT SELECT,UPDATE ON TABLE registration.partition TO registration_api;
GRANT SELECT,UPDATE ON TABLE registration.partition TO registration_relay;
GRANT SELECT,UPDATE ON TABLE registration.register TO registration_relay;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE registration.token_bucket TO registration_api;
GRANT SELECT,INSERT,UPDATE ON TABLE registration.venue_code TO registration_api;
