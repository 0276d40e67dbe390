-- Imports and their undos. One transaction writes a chunk: its participants, its events, and the number of its last
-- row. The transaction first locks the import's row in `import_file`. So if two processes import the same file, they
-- take turns, and each sees how far the other has come.

-- name: import_begin(id, file_name, caller, counts_as, hold, ignored, notes)^
-- Inserts an import and returns its id. Returns no row if the import exists already. `hold` is why it is held, NULL if
-- it is not.
insert into import_file (id, name, state, caller, counts_as, fault, ignored, notes)
values (:id, :file_name, case when :hold::text is null then 'running' else 'held' end, :caller, :counts_as, :hold::text,
        :ignored::text[], :notes::jsonb)
on conflict do nothing
returning id;

-- name: import_repeat(id, hold, ignored, notes)^
-- Starts an ended import again if it rejected rows or failed. Its rows are then read again: those that it has accepted
-- are unchanged. It is held for the reason `hold` unless it was confirmed. Returns no row if there is nothing to repeat.
with again as (
    update import_file
    set state = case when :hold::text is null or confirmed_by is not null then 'running' else 'held' end,
        fault = case when confirmed_by is null then :hold::text end, ignored = :ignored::text[],
        notes = :notes::jsonb, rows = null, last_row = 0, heading_lines = 0, blank = 0, accepted = 0,
        unchanged = 0, differing = 0, rejected = 0, runs = runs + 1, started_at = now(), changed_at = now(),
        finished_at = null
    where id = :id and (state = 'failed' or state = 'done' and rejected > 0)
    returning id),
forgotten as (
    delete from import_rejected using again where import_id = again.id),
forgotten_cells as (
    delete from import_rejected_cells using again where import_id = again.id)
select id from again;

-- name: import_confirm(id, caller)^
-- Lets a held import run. Returns no row if the import is not held.
update import_file
set state = 'running', fault = null, confirmed_by = :caller, started_at = now(), changed_at = now()
where id = :id and state = 'held'
returning id;

-- name: import_read_header(id, line, blank_lines, headings, separator)!
-- Stores the headings and how many lines they have. Does nothing if the import has gone beyond them.
update import_file
set headings = :headings::text[], separator = :separator, last_row = :line, heading_lines = :line - :blank_lines, blank = :blank_lines, changed_at = now()
where id = :id and state = 'running' and last_row < :line;

-- name: import_status(id)^
select id, name, counts_as, state, fault, rows, last_row, heading_lines, blank, accepted, unchanged, differing, rejected, runs,
       undone, caller, ignored, notes, started_at, changed_at, finished_at
from import_file where id = :id;

-- name: import_lock(id)^
select state, last_row, runs from import_file where id = :id for update;

-- name: import_advance(id, last_row, blank, accepted, unchanged, differing, rejected)!
update import_file
set last_row = :last_row, blank = blank + :blank, accepted = accepted + :accepted, unchanged = unchanged + :unchanged,
    differing = differing + :differing, rejected = rejected + :rejected, changed_at = now()
where id = :id;

-- name: import_reject(id, rejected_rows, fields, reasons)!
insert into import_rejected (import_id, row, field, reason)
select :id, new.* from unnest(:rejected_rows::bigint[], :fields::text[], :reasons::text[]) as new;

-- name: import_keep_cells(id, rejected_rows, cells)!
insert into import_rejected_cells (import_id, row, cells)
select :id, new.* from unnest(:rejected_rows::bigint[], :cells::bytea[]) as new;

-- name: import_report_format(id)^
select headings, separator, ignored from import_file where id = :id;

-- name: import_insert_reregistered(id, participant_ids, revisions)!
-- Stores which withdrawn participants this import registered again, and their revisions after that. If a participant
-- has a row for this import already, the row gets the newer revision.
insert into import_again (import_id, participant_id, revision)
select :id, new.* from unnest(:participant_ids::uuid[], :revisions::integer[]) as new
on conflict (import_id, participant_id) do update set revision = excluded.revision;

-- name: import_end(id, state, fault)!
-- Ends a running import, because all its rows are written or because its file is unusable, and deletes its file.
-- `fault` is what is wrong with the file, NULL if nothing is.
with ended as (
    update import_file
    set state = :state, fault = :fault, rows = accepted + unchanged + differing + rejected, changed_at = now(),
        finished_at = now()
    where id = :id and state = 'running'
    returning id)
delete from import_part using ended where import_id = ended.id;

-- name: import_has_file(id)$
select exists (select from import_part where import_id = :id);

-- name: import_store_part(id, number, sealed)!
insert into import_part (import_id, number, sealed) values (:id, :number, :sealed);

-- name: import_part(id, number)$
select sealed from import_part where import_id = :id and number = :number;

-- name: import_claim()^
-- Returns the id of an unfinished import or undo that no process runs, and puts it behind the others. An import without
-- a stored file is run by the command that has the file.
update import_file set changed_at = now()
where id = (
    select id from import_file
    where (state = 'undoing' or state = 'running' and exists (select from import_part where import_id = import_file.id))
      and not exists (
          select from lease where name = 'import ' || import_file.id and until > clock_timestamp())
    order by changed_at
    limit 1
    for update skip locked)
returning id;

-- name: import_rejections(id, after_row, rows_max)
-- Returns the faults of at most `rows_max` rows after a row, by row and column.
with page as (
    select distinct row from import_rejected where import_id = :id and row > :after_row::bigint order by row limit :rows_max)
select row, field, reason, cells
from page join import_rejected using (row) left join import_rejected_cells as kept using (import_id, row)
where import_id = :id
order by row, field;

-- name: delete_old_rejections(kept, deleted_max)!
-- Deletes at most `deleted_max` rejections of imports that ended longer than `kept` ago.
delete from import_rejected where ctid = any(array(
    select rejected.ctid from import_rejected as rejected join import_file on import_file.id = rejected.import_id
    where import_file.finished_at < now() - :kept::interval
    limit :deleted_max));

-- name: delete_old_cells(kept, deleted_max)!
-- Deletes the cells of at most `deleted_max` rejected rows of imports that ended, or made their last progress, longer
-- than `kept` ago.
delete from import_rejected_cells where ctid = any(array(
    select cells.ctid from import_rejected_cells as cells join import_file on import_file.id = cells.import_id
    where coalesce(import_file.finished_at, import_file.changed_at) < now() - :kept::interval
    limit :deleted_max));

-- name: import_lengthen_transaction(seconds)^
-- Lets this transaction last longer than others of the role, if the server has this setting.
select set_config(name, (:seconds::int * 1000)::text, true) from pg_settings where name = 'transaction_timeout';

-- name: give_up_held_imports(kept)!
-- Ends the imports that have been held for longer than `kept`.
update import_file set state = 'failed', fault = 'not_confirmed', changed_at = now(), finished_at = now()
where state = 'held' and changed_at < now() - :kept::interval;

-- name: delete_unneeded_parts()!
-- Deletes the files of imports that were given up, or ended by a process that does not know the table. The lock keeps
-- the file of an import that starts again meanwhile.
with ended as (
    select id from import_file
    where state not in ('running', 'held') and exists (select from import_part where import_id = import_file.id)
    for update)
delete from import_part using ended where import_id = ended.id;

-- name: import_begin_undo(id)^
-- Stops the import, deletes its file and marks it as being undone. Later transactions withdraw its participants chunk by
-- chunk. Returns no row if there is no such import, or if it is undone already.
with begun as (
    update import_file set state = 'undoing', changed_at = now()
    where id = :id and state in ('running', 'held', 'done', 'failed', 'undoing')
    returning id, state),
deleted as (
    delete from import_part using begun where import_id = begun.id)
select state from begun;

-- name: import_unchanged_participants(id, rows_max)
-- Returns registered participants that have not changed since this import registered them.
select participant.id from participant
left join import_again as again on again.import_id = :id and again.participant_id = participant.id
where participant.import_id = :id and participant.standing = 'registered'
  and participant.revision = coalesce(again.revision, 1)
order by participant.id
limit :rows_max;

-- name: import_reregistered_revisions(id, participant_ids)
select participant_id, revision from import_again
where import_id = :id and participant_id = any(:participant_ids::uuid[]);

-- name: import_advance_undo(id, undone)!
update import_file set undone = undone + :undone, changed_at = now() where id = :id;

-- name: import_end_undo(id)!
update import_file set state = 'undone', changed_at = now(), finished_at = now() where id = :id and state = 'undoing';

-- name: import_changed_participants(id, after, rows_max)
-- Returns participants that have changed since this import registered them. An undo keeps them.
select participant.id, participant.standing, participant.revision, participant.changed_at from participant
left join import_again as again on again.import_id = :id and again.participant_id = participant.id
where participant.import_id = :id and participant.revision <> coalesce(again.revision, 1)
  and participant.id > :after::uuid
order by participant.id
limit :rows_max;

-- name: import_changed_count(id)$
select count(*) from participant
left join import_again as again on again.import_id = :id and again.participant_id = participant.id
where participant.import_id = :id and participant.revision <> coalesce(again.revision, 1);

-- name: import_known(nik_hmacs)
-- Returns the participants with these NIK fingerprints, without locking them.
select {participant_columns} from participant where nik_hmac = any(:nik_hmacs::text::bytea[]);

-- name: import_scopes()^
-- Returns the ids of all campaigns and agencies.
select array(select id from campaign) as campaigns, array(select id from agency) as agencies;
