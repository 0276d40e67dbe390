-- migrated to 0002
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
CREATE TYPE notifier.procrastinate_job_event_type AS ENUM (
    'deferred',
    'started',
    'deferred_for_retry',
    'failed',
    'succeeded',
    'cancelled',
    'abort_requested',
    'aborted',
    'scheduled',
    'retried'
);
ALTER TYPE notifier.procrastinate_job_event_type OWNER TO notifier;
CREATE TYPE notifier.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);
ALTER TYPE notifier.procrastinate_job_status OWNER TO notifier;
CREATE TYPE notifier.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);
ALTER TYPE notifier.procrastinate_job_to_defer_v1 OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;
ALTER FUNCTION notifier.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_defer_jobs_v1(jobs notifier.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;
    RETURN job_ids;
END;
$$;
ALTER FUNCTION notifier.procrastinate_defer_jobs_v1(jobs notifier.procrastinate_job_to_defer_v1[]) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;
    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;
    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;
    RETURN _job_id;
END;
$$;
ALTER FUNCTION notifier.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) OWNER TO notifier;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE notifier.procrastinate_jobs (
    id bigint NOT NULL,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    lock text,
    queueing_lock text,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    status notifier.procrastinate_job_status DEFAULT 'todo'::notifier.procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint,
    CONSTRAINT check_not_todo_abort_requested CHECK ((NOT ((status = 'todo'::notifier.procrastinate_job_status) AND (abort_requested = true))))
);
ALTER TABLE notifier.procrastinate_jobs OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS notifier.procrastinate_jobs
    LANGUAGE plpgsql
    AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;
 RETURN found_jobs;
END;
$$;
ALTER FUNCTION notifier.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_finish_job_v1(job_id bigint, end_status notifier.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;
ALTER FUNCTION notifier.procrastinate_finish_job_v1(job_id bigint, end_status notifier.procrastinate_job_status, delete_job boolean) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;
ALTER FUNCTION notifier.procrastinate_notify_queue_abort_job_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;
ALTER FUNCTION notifier.procrastinate_notify_queue_job_inserted_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;
ALTER FUNCTION notifier.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;
ALTER FUNCTION notifier.procrastinate_register_worker_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;
ALTER FUNCTION notifier.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;
END;
$$;
ALTER FUNCTION notifier.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;
ALTER FUNCTION notifier.procrastinate_trigger_abort_requested_events_procedure_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);
	RETURN NEW;
END;
$$;
ALTER FUNCTION notifier.procrastinate_trigger_function_scheduled_events_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;
ALTER FUNCTION notifier.procrastinate_trigger_function_status_events_insert_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;
ALTER FUNCTION notifier.procrastinate_trigger_function_status_events_update_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;
ALTER FUNCTION notifier.procrastinate_unlink_periodic_defers_v1() OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;
ALTER FUNCTION notifier.procrastinate_unregister_worker_v1(worker_id bigint) OWNER TO notifier;
CREATE FUNCTION notifier.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;
ALTER FUNCTION notifier.procrastinate_update_heartbeat_v1(worker_id bigint) OWNER TO notifier;
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
CREATE TABLE notifier.epoch (
    name text NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    cut text NOT NULL,
    base jsonb NOT NULL
);
ALTER TABLE notifier.epoch OWNER TO notifier;
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
    CONSTRAINT message_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'webhook'::text]))),
    CONSTRAINT message_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'held'::text, 'sending'::text, 'retry'::text, 'delivered'::text, 'dead'::text])))
)
WITH (fillfactor='70');
ALTER TABLE notifier.message OWNER TO notifier;
CREATE TABLE notifier.outbox (
    topic text NOT NULL,
    last_sequence bigint DEFAULT 0 NOT NULL,
    published bigint DEFAULT 0 NOT NULL,
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
CREATE TABLE notifier.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type notifier.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);
ALTER TABLE notifier.procrastinate_events OWNER TO notifier;
CREATE SEQUENCE notifier.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE notifier.procrastinate_events_id_seq OWNER TO notifier;
ALTER SEQUENCE notifier.procrastinate_events_id_seq OWNED BY notifier.procrastinate_events.id;
CREATE SEQUENCE notifier.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE notifier.procrastinate_jobs_id_seq OWNER TO notifier;
ALTER SEQUENCE notifier.procrastinate_jobs_id_seq OWNED BY notifier.procrastinate_jobs.id;
CREATE TABLE notifier.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);
ALTER TABLE notifier.procrastinate_periodic_defers OWNER TO notifier;
CREATE SEQUENCE notifier.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE notifier.procrastinate_periodic_defers_id_seq OWNER TO notifier;
ALTER SEQUENCE notifier.procrastinate_periodic_defers_id_seq OWNED BY notifier.procrastinate_periodic_defers.id;
CREATE TABLE notifier.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE notifier.procrastinate_workers OWNER TO notifier;
ALTER TABLE notifier.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notifier.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
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
ALTER TABLE ONLY notifier.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('notifier.procrastinate_events_id_seq'::regclass);
ALTER TABLE ONLY notifier.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('notifier.procrastinate_jobs_id_seq'::regclass);
ALTER TABLE ONLY notifier.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('notifier.procrastinate_periodic_defers_id_seq'::regclass);
ALTER TABLE ONLY notifier.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_number_key UNIQUE (number);
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (message_id, number);
ALTER TABLE ONLY notifier.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (name);
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
ALTER TABLE ONLY notifier.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);
ALTER TABLE ONLY notifier.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notifier.silence
    ADD CONSTRAINT silence_pkey PRIMARY KEY (id);
CREATE INDEX alert_latch ON notifier.alert USING btree (latch_id);
CREATE INDEX alert_message ON notifier.alert USING btree (message_id);
CREATE INDEX idx_procrastinate_jobs_worker_not_null ON notifier.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::notifier.procrastinate_job_status));
CREATE INDEX idx_procrastinate_workers_last_heartbeat ON notifier.procrastinate_workers USING btree (last_heartbeat);
CREATE INDEX message_open ON notifier.message USING btree (due_at) WHERE (ended_at IS NULL);
CREATE INDEX procrastinate_events_job_id_fkey_v1 ON notifier.procrastinate_events USING btree (job_id);
CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON notifier.procrastinate_jobs USING btree (id, lock) WHERE (status = ANY (ARRAY['todo'::notifier.procrastinate_job_status, 'doing'::notifier.procrastinate_job_status]));
CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON notifier.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::notifier.procrastinate_job_status);
CREATE INDEX procrastinate_jobs_priority_idx_v1 ON notifier.procrastinate_jobs USING btree (priority DESC, id) WHERE (status = 'todo'::notifier.procrastinate_job_status);
CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON notifier.procrastinate_jobs USING btree (queue_name);
CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON notifier.procrastinate_jobs USING btree (queueing_lock) WHERE (status = 'todo'::notifier.procrastinate_job_status);
CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON notifier.procrastinate_periodic_defers USING btree (job_id);
CREATE INDEX silence_until ON notifier.silence USING btree (until);
CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON notifier.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::notifier.procrastinate_job_status))) EXECUTE FUNCTION notifier.procrastinate_notify_queue_abort_job_v1();
CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON notifier.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::notifier.procrastinate_job_status)) EXECUTE FUNCTION notifier.procrastinate_notify_queue_job_inserted_v1();
CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON notifier.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested = true)) EXECUTE FUNCTION notifier.procrastinate_trigger_abort_requested_events_procedure_v1();
CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON notifier.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION notifier.procrastinate_unlink_periodic_defers_v1();
CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER INSERT OR UPDATE ON notifier.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::notifier.procrastinate_job_status))) EXECUTE FUNCTION notifier.procrastinate_trigger_function_scheduled_events_v1();
CREATE TRIGGER procrastinate_trigger_status_events_insert_v1 AFTER INSERT ON notifier.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::notifier.procrastinate_job_status)) EXECUTE FUNCTION notifier.procrastinate_trigger_function_status_events_insert_v1();
CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON notifier.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION notifier.procrastinate_trigger_function_status_events_update_v1();
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_latch_id_fkey FOREIGN KEY (latch_id) REFERENCES notifier.latch(id);
ALTER TABLE ONLY notifier.alert
    ADD CONSTRAINT alert_message_id_fkey FOREIGN KEY (message_id) REFERENCES notifier.message(id);
ALTER TABLE ONLY notifier.attempt
    ADD CONSTRAINT attempt_message_id_fkey FOREIGN KEY (message_id) REFERENCES notifier.message(id);
ALTER TABLE ONLY notifier.outbox_record
    ADD CONSTRAINT outbox_record_topic_fkey FOREIGN KEY (topic) REFERENCES notifier.outbox(topic);
ALTER TABLE ONLY notifier.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES notifier.procrastinate_jobs(id) ON DELETE CASCADE;
ALTER TABLE ONLY notifier.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES notifier.procrastinate_workers(id) ON DELETE SET NULL;
ALTER TABLE ONLY notifier.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES notifier.procrastinate_jobs(id);
REVOKE ALL ON FUNCTION notifier.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_defer_jobs_v1(jobs notifier.procrastinate_job_to_defer_v1[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_finish_job_v1(job_id bigint, end_status notifier.procrastinate_job_status, delete_job boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_notify_queue_abort_job_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_notify_queue_job_inserted_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_register_worker_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_trigger_abort_requested_events_procedure_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_trigger_function_scheduled_events_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_trigger_function_status_events_insert_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_trigger_function_status_events_update_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_unlink_periodic_defers_v1() FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_unregister_worker_v1(worker_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION notifier.procrastinate_update_heartbeat_v1(worker_id bigint) FROM PUBLIC;
