-- Roles and schemas of the services, one each, in the database this runs in. As the superuser; safe to run again.
--
-- Passwords come from the session's settings jakpreneur.<role>_password, so that none stands in a file:
--   PGOPTIONS="-c jakpreneur.registration_password=…" psql -d jakpreneur -f roles.sql
-- A role whose setting is missing keeps the password it has (a new one cannot log in by password).

DO $$
DECLARE
    service text;
    password text;
BEGIN
    -- Roles belong to the whole server: two databases being set up at once take turns.
    PERFORM pg_advisory_xact_lock(hashtext('jakpreneur roles'));
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    FOREACH service IN ARRAY ARRAY['registration', 'aggregator', 'notifier'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', service);
        END IF;
        password := current_setting('jakpreneur.' || service || '_password', true);
        IF password <> '' THEN
            EXECUTE format('ALTER ROLE %I PASSWORD %L', service, password);
        END IF;

        -- Nobody holds a lock while asleep: a stopped or cut-off client loses its transaction within seconds.
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''3s''', service);
        EXECUTE format('ALTER ROLE %I SET lock_timeout = ''2s''', service);
        EXECUTE format('ALTER ROLE %I SET statement_timeout = ''10s''', service);
        EXECUTE format('ALTER ROLE %I SET tcp_keepalives_idle = 2', service);
        EXECUTE format('ALTER ROLE %I SET tcp_keepalives_interval = 1', service);
        EXECUTE format('ALTER ROLE %I SET tcp_keepalives_count = 3', service);
        EXECUTE format('ALTER ROLE %I SET tcp_user_timeout = ''5s''', service);
        EXECUTE format('ALTER ROLE %I SET search_path = %I', service, service);

        EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), service);
        EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service, service);
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', service);
        -- Functions are the one kind of thing PUBLIC may use unless told otherwise.
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC', service);
    END LOOP;
END
$$;
