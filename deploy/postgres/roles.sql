-- Roles and schemas of the services, one each, in the database this runs in. As the superuser; safe to run again.
--
-- Passwords come from the session's settings jakpreneur.<role>_password, so that none stands in a file:
--   PGOPTIONS="-c jakpreneur.registration_password=…" psql -d jakpreneur -f roles.sql
-- A role whose setting is missing keeps the password it has (a new one cannot log in by password).

do $$
declare
    service text;
    password text;
begin
    -- Roles belong to the whole server: two databases being set up at once take turns.
    perform pg_advisory_xact_lock(hashtext('jakpreneur roles'));
    execute format('revoke all on database %I from public', current_database());
    revoke all on schema public from public;
    foreach service in array array['registration', 'aggregator', 'notifier'] loop
        if not exists (select from pg_roles where rolname = service) then
            execute format('create role %I login nosuperuser nocreatedb nocreaterole', service);
        end if;
        password := current_setting('jakpreneur.' || service || '_password', true);
        if password <> '' then
            execute format('alter role %I password %L', service, password);
        end if;

        -- Nobody holds a lock while asleep: a stopped or cut-off client loses its transaction within seconds.
        execute format('alter role %I set idle_in_transaction_session_timeout = ''3s''', service);
        execute format('alter role %I set lock_timeout = ''2s''', service);
        execute format('alter role %I set statement_timeout = ''10s''', service);
        execute format('alter role %I set tcp_keepalives_idle = 2', service);
        execute format('alter role %I set tcp_keepalives_interval = 1', service);
        execute format('alter role %I set tcp_keepalives_count = 3', service);
        execute format('alter role %I set tcp_user_timeout = ''5s''', service);
        execute format('alter role %I set search_path = %I', service, service);

        execute format('grant connect, temporary on database %I to %I', current_database(), service);
        execute format('create schema if not exists %I authorization %I', service, service);
        execute format('revoke all on schema %I from public', service);
        -- Functions are the one kind of thing PUBLIC may use unless told otherwise.
        execute format('alter default privileges for role %I revoke execute on functions from public', service);
    end loop;
end
$$;
