-- migrated to 0005
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
CREATE SCHEMA aggregator;
ALTER SCHEMA aggregator OWNER TO aggregator;
CREATE FUNCTION aggregator.keep_peak() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if old.count >= old.peak then
        new.peak := old.count;
        new.peak_left_at := clock_timestamp();
    end if;
    return new;
end
$$;
ALTER FUNCTION aggregator.keep_peak() OWNER TO aggregator;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE aggregator.alembic_version (
    version_num character varying(32) NOT NULL
);
ALTER TABLE aggregator.alembic_version OWNER TO aggregator;
CREATE TABLE aggregator.changed (
    set_id smallint NOT NULL,
    partition smallint NOT NULL,
    sequence bigint NOT NULL,
    scopes text[] NOT NULL,
    regions text[] NOT NULL,
    measures text[] NOT NULL
);
ALTER TABLE aggregator.changed OWNER TO aggregator;
CREATE TABLE aggregator.contraction (
    revision text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE aggregator.contraction OWNER TO aggregator;
CREATE TABLE aggregator.kept_count (
    scope text NOT NULL,
    region text NOT NULL,
    count bigint NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE aggregator.kept_count OWNER TO aggregator;
CREATE TABLE aggregator.kept_cut (
    one boolean DEFAULT true NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    cut text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    generation bigint NOT NULL,
    epoch bigint NOT NULL,
    positions bigint[] NOT NULL,
    behind boolean NOT NULL,
    CONSTRAINT kept_cut_one_check CHECK (one)
);
ALTER TABLE aggregator.kept_cut OWNER TO aggregator;
CREATE TABLE aggregator.kept_minute (
    minute timestamp with time zone NOT NULL,
    scope text NOT NULL,
    value text NOT NULL,
    published boolean DEFAULT false NOT NULL
);
ALTER TABLE aggregator.kept_minute OWNER TO aggregator;
CREATE TABLE aggregator.lease (
    name text NOT NULL,
    holder text NOT NULL,
    term bigint NOT NULL,
    until timestamp with time zone NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE aggregator.lease OWNER TO aggregator;
CREATE TABLE aggregator.live (
    one boolean DEFAULT true NOT NULL,
    set_id smallint NOT NULL,
    generation bigint NOT NULL,
    epoch bigint NOT NULL,
    building smallint,
    CONSTRAINT live_one_check CHECK (one)
);
ALTER TABLE aggregator.live OWNER TO aggregator;
CREATE TABLE aggregator."position" (
    set_id smallint NOT NULL,
    partition smallint NOT NULL,
    sequence bigint NOT NULL,
    kafka_offset bigint NOT NULL,
    gap_seen bigint,
    CONSTRAINT position_partition_check CHECK ((partition >= 0))
)
WITH (fillfactor='50');
ALTER TABLE aggregator."position" OWNER TO aggregator;
CREATE TABLE aggregator.published (
    one boolean DEFAULT true NOT NULL,
    term bigint NOT NULL,
    cut bigint NOT NULL,
    minutes_end bigint DEFAULT 0 NOT NULL,
    CONSTRAINT published_one_check CHECK (one)
);
ALTER TABLE aggregator.published OWNER TO aggregator;
CREATE TABLE aggregator.quarantine (
    id bigint NOT NULL,
    epoch bigint NOT NULL,
    partition smallint NOT NULL,
    kafka_offset bigint NOT NULL,
    event_sequence bigint,
    reason text NOT NULL,
    state text DEFAULT 'quarantined'::text NOT NULL,
    note text,
    changes jsonb,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT quarantine_state_check CHECK ((state = ANY (ARRAY['quarantined'::text, 'applied'::text, 'skipped'::text])))
);
ALTER TABLE aggregator.quarantine OWNER TO aggregator;
ALTER TABLE aggregator.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aggregator.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE SEQUENCE aggregator.set_ids
    AS smallint
    START WITH 2
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
    CYCLE;
ALTER SEQUENCE aggregator.set_ids OWNER TO aggregator;
CREATE TABLE aggregator.tally (
    set_id smallint NOT NULL,
    scope text NOT NULL,
    region text NOT NULL,
    measure text NOT NULL,
    count bigint NOT NULL,
    peak bigint DEFAULT 0 NOT NULL,
    peak_left_at timestamp with time zone
)
WITH (fillfactor='50');
ALTER TABLE aggregator.tally OWNER TO aggregator;
ALTER TABLE ONLY aggregator.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY aggregator.changed
    ADD CONSTRAINT changed_pkey PRIMARY KEY (set_id, partition, sequence);
ALTER TABLE ONLY aggregator.contraction
    ADD CONSTRAINT contraction_pkey PRIMARY KEY (revision);
ALTER TABLE ONLY aggregator.kept_count
    ADD CONSTRAINT kept_count_pkey PRIMARY KEY (scope, region);
ALTER TABLE ONLY aggregator.kept_cut
    ADD CONSTRAINT kept_cut_pkey PRIMARY KEY (one);
ALTER TABLE ONLY aggregator.kept_minute
    ADD CONSTRAINT kept_minute_pkey PRIMARY KEY (minute, scope);
ALTER TABLE ONLY aggregator.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (name);
ALTER TABLE ONLY aggregator.live
    ADD CONSTRAINT live_pkey PRIMARY KEY (one);
ALTER TABLE ONLY aggregator."position"
    ADD CONSTRAINT position_pkey PRIMARY KEY (set_id, partition);
ALTER TABLE ONLY aggregator.published
    ADD CONSTRAINT published_pkey PRIMARY KEY (one);
ALTER TABLE ONLY aggregator.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);
ALTER TABLE ONLY aggregator.tally
    ADD CONSTRAINT tally_pkey PRIMARY KEY (set_id, scope, region, measure);
CREATE INDEX kept_minute_unpublished ON aggregator.kept_minute USING btree (minute) WHERE (NOT published);
CREATE UNIQUE INDEX quarantine_placed ON aggregator.quarantine USING btree (epoch, partition, event_sequence) WHERE (event_sequence IS NOT NULL);
CREATE UNIQUE INDEX quarantine_stray ON aggregator.quarantine USING btree (epoch, partition, kafka_offset) WHERE (event_sequence IS NULL);
CREATE TRIGGER keep_peak BEFORE UPDATE OF count ON aggregator.tally FOR EACH ROW WHEN ((new.count < old.count)) EXECUTE FUNCTION aggregator.keep_peak();
GRANT USAGE ON SCHEMA aggregator TO aggregator_service;
REVOKE ALL ON FUNCTION aggregator.keep_peak() FROM PUBLIC;
GRANT SELECT ON TABLE aggregator.alembic_version TO aggregator_service;
GRANT SELECT,INSERT,DELETE ON TABLE aggregator.changed TO aggregator_service;
GRANT SELECT ON TABLE aggregator.contraction TO aggregator_service;
GRANT SELECT,INSERT,UPDATE ON TABLE aggregator.kept_count TO aggregator_service;
GRANT SELECT,UPDATE ON TABLE aggregator.kept_cut TO aggregator_service;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aggregator.kept_minute TO aggregator_service;
GRANT SELECT,INSERT,UPDATE ON TABLE aggregator.lease TO aggregator_service;
GRANT SELECT,UPDATE ON TABLE aggregator.live TO aggregator_service;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aggregator."position" TO aggregator_service;
GRANT SELECT,UPDATE ON TABLE aggregator.published TO aggregator_service;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aggregator.quarantine TO aggregator_service;
GRANT USAGE ON SEQUENCE aggregator.set_ids TO aggregator_service;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aggregator.tally TO aggregator_service;
