-- Creates the roles and one schema per service in the current database. Run it as the superuser. It may be
-- repeated.
--
-- The role with a service's name owns the service's schema, and only migrations log in as this role. The processes
-- log in as the other roles, which get their privileges from the file grants.sql of the service's migrations.
--
-- The passwords are session settings named jakpreneur.<role>_password, so that no file contains them:
--   PGOPTIONS="-c jakpreneur.registration_password=…" psql -d jakpreneur -f roles.sql
-- Without this setting, a role keeps its password, and a new role cannot log in with a password.

do $$
declare
    role text;
    service text;
    password text;
begin
    -- Roles belong to the whole server, so the lock serializes runs for two databases at the same time.
    perform pg_advisory_xact_lock(hashtext('jakpreneur roles'));
    execute format('revoke all on database %I from public', current_database());
    revoke all on schema public from public;
    for role, service in
        select roles.role, roles.service
        from (values ('registration', 'registration'),
                     ('registration_api', 'registration'),    -- the API and the operators' commands
                     ('registration_relay', 'registration'),  -- relay, audit, and the command `recover`
                     ('aggregator', 'aggregator'),
                     ('aggregator_service', 'aggregator'),
                     ('notifier', 'notifier'),
                     ('notifier_service', 'notifier')) as roles (role, service)
        order by roles.role <> roles.service
    loop
        if not exists (select from pg_roles where rolname = role) then
            execute format('create role %I login nosuperuser nocreatedb nocreaterole', role);
        end if;
        password := current_setting('jakpreneur.' || role || '_password', true);
        if password <> '' then
            execute format('alter role %I password %L', role, password);
        end if;

        -- If a client is suspended or disconnected, its transaction ends within seconds and frees its locks.
        execute format('alter role %I set idle_in_transaction_session_timeout = ''3s''', role);
        -- This also ends the transaction of a client that is suspended while it prepares a statement: such a
        -- session counts as active, not as idle. PostgreSQL 15 and 16 lack the setting.
        if current_setting('server_version_num')::int >= 170000 then
            execute format('alter role %I set transaction_timeout = ''15s''', role);
        end if;
        execute format('alter role %I set lock_timeout = ''2s''', role);
        execute format('alter role %I set statement_timeout = ''10s''', role);
        execute format('alter role %I set tcp_keepalives_idle = 2', role);
        execute format('alter role %I set tcp_keepalives_interval = 1', role);
        execute format('alter role %I set tcp_keepalives_count = 3', role);
        execute format('alter role %I set tcp_user_timeout = ''5s''', role);
        execute format('alter role %I set search_path = %I', role, service);

        execute format('grant connect on database %I to %I', current_database(), role);
        if role = service then
            execute format('create schema if not exists %I authorization %I', service, service);
            execute format('revoke all on schema %I from public', service);
            -- By default, PUBLIC may execute every function.
            execute format('alter default privileges for role %I revoke execute on functions from public', service);
        else
            execute format('grant usage on schema %I to %I', service, role);
        end if;
    end loop;
end
$$;
