-- Imports and their undos. A chunk is one transaction: participants, events, and the number of the last row. The row of
-- `import_file` is locked first, so that two processes with the same file take turns and each sees the other's progress.

-- name: import_begin(id, file_name, caller)^
-- Inserts an import and returns its id; returns no row if the import exists.
insert into import_file (id, name, state, caller) values (:id, :file_name, 'running', :caller) on conflict do nothing
returning id;

-- name: import_status(id)^
select id, name, state, fault, rows, last_row, accepted, rejected, undone, caller, started_at, changed_at, finished_at
from import_file where id = :id;

-- name: import_lock(id)^
select state, last_row from import_file where id = :id for update;

-- name: import_advance(id, last_row, accepted, rejected)!
update import_file
set last_row = :last_row, accepted = accepted + :accepted, rejected = rejected + :rejected, changed_at = now()
where id = :id;

-- name: import_reject(id, rejected_rows, fields, reasons)!
insert into import_rejected (import_id, row, field, reason)
select :id, new.* from unnest(:rejected_rows::bigint[], :fields::text[], :reasons::text[]) as new;

-- name: import_insert_reregistered(id, participant_ids, revisions)!
-- Records withdrawn participants that this import registered again, with their new revisions; an
-- existing row gets the newer revision.
insert into import_again (import_id, participant_id, revision)
select :id, new.* from unnest(:participant_ids::uuid[], :revisions::integer[]) as new
on conflict (import_id, participant_id) do update set revision = excluded.revision;

-- name: import_end(id, state, fault)!
-- Ends a running import: all rows are written, or the file is unusable (`fault`).
update import_file
set state = :state, fault = :fault, rows = accepted + rejected, changed_at = now(), finished_at = now()
where id = :id and state = 'running';

-- name: import_claim(ids, idle_s)^
-- Claims one unfinished import of `ids`, or one unfinished undo, that has made no progress for `idle_s` seconds.
update import_file set changed_at = now()
where id = (
    select id from import_file
    where ((id = any(:ids::text[]) and state = 'running') or state = 'undoing')
      and changed_at < now() - make_interval(secs => :idle_s::double precision)
    order by changed_at
    limit 1
    for update skip locked)
returning id;

-- name: import_rejections(id, after_row, after_field, rows_max)
select row, field, reason from import_rejected
where import_id = :id and (row, field) > (:after_row::bigint, :after_field::text)
order by row, field
limit :rows_max;

-- name: import_begin_undo(id)^
-- Stops the import and marks it as being undone. Its participants are withdrawn chunk by chunk.
update import_file set state = 'undoing', changed_at = now()
where id = :id and state in ('running', 'done', 'failed', 'undoing')
returning state;

-- name: import_unchanged_participants(id, rows_max)
-- Registered participants that have not changed since this import registered them.
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
-- Participants of this import that have changed since; an undo keeps them.
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

-- name: import_scopes()^
-- The ids of all campaigns and agencies.
select array(select id from campaign) as campaigns, array(select id from agency) as agencies;
