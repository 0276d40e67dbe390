-- An import goes chunk by chunk: rows, events and the number of the last row are one transaction. The row of the
-- file is locked first, so that two processes with the same file take turns and the second sees how far it is.

-- name: import_begin(id, file_name, caller)^
-- Note a file that was never seen; one that was stays as it is, and nothing comes back.
INSERT INTO import_file (id, name, state, caller) VALUES (:id, :file_name, 'running', :caller) ON CONFLICT DO NOTHING
RETURNING id;

-- name: import_status(id)^
SELECT id, name, state, fault, rows, last_row, accepted, rejected, undone, caller, started_at, changed_at, finished_at
FROM import_file WHERE id = :id;

-- name: import_lock(id)^
SELECT state, last_row FROM import_file WHERE id = :id FOR UPDATE;

-- name: import_advance(id, last_row, accepted, rejected)!
UPDATE import_file
SET last_row = :last_row, accepted = accepted + :accepted, rejected = rejected + :rejected, changed_at = now()
WHERE id = :id;

-- name: import_reject(id, rejected_rows, fields, reasons)!
INSERT INTO import_rejected (import_id, row, field, reason)
SELECT :id, new.* FROM unnest(:rejected_rows::bigint[], :fields::text[], :reasons::text[]) AS new;

-- name: import_note_again(id, participant_ids, revisions)!
-- Whom this import registered again; a row of an earlier run of it gives way.
INSERT INTO import_again (import_id, participant_id, revision)
SELECT :id, new.* FROM unnest(:participant_ids::uuid[], :revisions::integer[]) AS new
ON CONFLICT (import_id, participant_id) DO UPDATE SET revision = excluded.revision;

-- name: import_end(id, state, fault)!
-- The file is through, or cannot be used.
UPDATE import_file
SET state = :state, fault = :fault, rows = accepted + rejected, changed_at = now(), finished_at = now()
WHERE id = :id AND state = 'running';

-- name: import_claim(ids, idle_s)^
-- One of these imports, or any undo, that is under way and that nobody has moved for so long; whoever asks takes it.
UPDATE import_file SET changed_at = now()
WHERE id = (
    SELECT id FROM import_file
    WHERE ((id = ANY(:ids::text[]) AND state = 'running') OR state = 'undoing')
      AND changed_at < now() - make_interval(secs => :idle_s::double precision)
    ORDER BY changed_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: import_rejections(id, after_row, after_field, rows_max)
SELECT row, field, reason FROM import_rejected
WHERE import_id = :id AND (row, field) > (:after_row::bigint, :after_field::text)
ORDER BY row, field
LIMIT :rows_max;

-- name: import_begin_undo(id)^
-- From now on the import goes no further; what it registered is withdrawn chunk by chunk.
UPDATE import_file SET state = 'undoing', changed_at = now()
WHERE id = :id AND state IN ('running', 'done', 'failed', 'undoing')
RETURNING state;

-- name: import_untouched(id, rows_max)
-- Participants that still stand as this import left them.
SELECT participant.id FROM participant
LEFT JOIN import_again AS again ON again.import_id = :id AND again.participant_id = participant.id
WHERE participant.import_id = :id AND participant.standing = 'registered'
  AND participant.revision = coalesce(again.revision, 1)
ORDER BY participant.id
LIMIT :rows_max;

-- name: import_revisions(id, participant_ids)
SELECT participant_id, revision FROM import_again
WHERE import_id = :id AND participant_id = ANY(:participant_ids::uuid[]);

-- name: import_advance_undo(id, undone)!
UPDATE import_file SET undone = undone + :undone, changed_at = now() WHERE id = :id;

-- name: import_end_undo(id)!
UPDATE import_file SET state = 'undone', changed_at = now(), finished_at = now() WHERE id = :id AND state = 'undoing';

-- name: import_kept(id, after, rows_max)
-- Participants of this import that somebody changed since: an undo leaves them.
SELECT participant.id, participant.standing, participant.revision, participant.changed_at FROM participant
LEFT JOIN import_again AS again ON again.import_id = :id AND again.participant_id = participant.id
WHERE participant.import_id = :id AND participant.revision <> coalesce(again.revision, 1)
  AND participant.id > :after::uuid
ORDER BY participant.id
LIMIT :rows_max;

-- name: import_kept_count(id)$
SELECT count(*) FROM participant
LEFT JOIN import_again AS again ON again.import_id = :id AND again.participant_id = participant.id
WHERE participant.import_id = :id AND participant.revision <> coalesce(again.revision, 1);

-- name: import_scopes()^
-- The campaigns and agencies a row may name.
SELECT ARRAY(SELECT id FROM campaign) AS campaigns, ARRAY(SELECT id FROM agency) AS agencies;
