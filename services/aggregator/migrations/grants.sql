-- What each role may do with each table. The command `migrate` runs this file after the migrations, so it has the
-- privileges of all tables. The role gets nothing else: a table that has no line here is closed to all processes.

revoke all on all tables in schema aggregator from public, aggregator_service;
revoke all on all sequences in schema aggregator from public, aggregator_service;

grant select on alembic_version, contraction to aggregator_service;

-- Workers, publishers and the operators' commands. docs/settings.md says how long the rows are kept that they may
-- delete.
grant select, insert, update, delete on kept_minute, position, quarantine, tally to aggregator_service;
grant select, insert, delete on changed to aggregator_service;
grant select, insert, update on kept_count, lease to aggregator_service;
grant select, update on kept_cut, live, published to aggregator_service;
grant usage on sequence set_ids to aggregator_service;
