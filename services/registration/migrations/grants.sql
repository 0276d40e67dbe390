-- What each role may do with each table. The command `migrate` runs this file after the migrations, so it has the
-- privileges of all tables. The roles get nothing else: a table that has no line here is closed to all processes.

revoke all on all tables in schema registration from public, registration_api, registration_relay;
revoke all on all sequences in schema registration from public, registration_api, registration_relay;

-- Accepted events are never changed, not even by the owner of the table.
revoke update, delete, truncate on event from registration;

grant select on alembic_version, contraction to registration_api, registration_relay;

-- The API and the operators' commands. docs/settings.md says how long the rows are kept that it may delete.
grant select, insert on agency, campaign to registration_api;
grant select, insert, update on api_key, venue_code to registration_api;
grant select, insert, update on participant to registration_api;
grant select, insert, delete on former_registration to registration_api;
grant select, update on partition to registration_api;
grant insert on event to registration_api;
grant select, insert, update, delete on idempotency, token_bucket to registration_api;
grant select, insert, update on import_file, import_again to registration_api;
grant select, insert, update on lease to registration_api;
grant select, insert, delete on import_part, import_rejected, import_rejected_cells to registration_api;

-- The relay, the audit, and the command `recover`.
grant select on event, participant to registration_relay;
grant select, update on partition, register to registration_relay;
grant select, insert, update on lease to registration_relay;
