-- Creates one role and one schema per service in the current database. Run it as the superuser. It may be
-- repeated.
--
-- The passwords are session settings named jakpreneur.<role>_password, so that no file contains them:
--   PGOPTIONS="-c jakpreneur.registration_password=…" psql -d jakpreneur -f roles.sql
-- Without this setting, a role keeps its password, and a new role cannot log in with a password.

do $$
declare
    service text;
    password text;
begin
    -- Roles belong to the whole server, so the lock serializes runs for two databases at the same time.
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

        -- If a client is suspended or disconnected, its transaction ends within seconds and frees its locks.
        execute format('alter role %I set idle_in_transaction_session_timeout = ''3s''', service);
        -- This also ends the transaction of a client that is suspended while it prepares a statement: such a
        -- session counts as active, not as idle. PostgreSQL 15 and 16 lack the setting.
        if current_setting('server_version_num')::int >= 170000 then
            execute format('alter role %I set transaction_timeout = ''15s''', service);
        end if;
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
        -- By default, PUBLIC may execute every function.
        execute format('alter default privileges for role %I revoke execute on functions from public', service);
    end loop;
end
$$;
