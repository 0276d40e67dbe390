-- What each role may do with each table. The command `migrate` runs this file after the migrations, so it has the
-- privileges of all tables. The role gets nothing else: a table that has no line here is closed to all processes.

revoke all on all tables in schema notifier from public, notifier_service;
revoke all on all sequences in schema notifier from public, notifier_service;

grant select on alembic_version, contraction to notifier_service;

-- The notifier and the operators' commands. docs/settings.md says how long the rows are kept that they may delete.
grant select, insert, update on alert, attempt, evaluated_cut, latch, lease, message to notifier_service;
grant select, insert, update on outbox, published_rules to notifier_service;
grant select, insert, delete on disabled_webhook, outbox_record to notifier_service;
grant select, insert on epoch, silence to notifier_service;
