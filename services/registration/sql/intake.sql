-- Writing a batch. Locks are taken in one order everywhere: idempotency keys sorted, NIK fingerprints sorted,
-- participants by id, partitions ascending. Arrays come in that order already.

-- name: claim_keys(callers, routes, keys, body_hmacs, outcomes, participant_ids, regions, revisions)^
-- Takes the keys that are free, each with the answer we expect to give; waits for another transaction that holds one.
WITH claimed AS (
    INSERT INTO idempotency (caller, route, key, body_hmac, outcome, participant_id, region, revision)
    SELECT * FROM unnest(:callers::text[], :routes::text[], :keys::text[], :body_hmacs::bytea[], :outcomes::text[],
                         :participant_ids::uuid[], :regions::text[], :revisions::integer[])
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) AS claimed, now() AS recorded_at FROM claimed;

-- name: answers_given(callers, routes, keys)
-- The answers under keys that were taken before this transaction, by place in the arrays, from 0.
SELECT asked.place - 1 AS place, body_hmac, outcome, participant_id, region, revision, created_at
FROM unnest(:callers::text[], :routes::text[], :keys::text[]) WITH ORDINALITY AS asked (caller, route, key, place)
JOIN idempotency USING (caller, route, key)
WHERE idempotency.xmin <> pg_current_xact_id()::xid;

-- name: change_answers(callers, routes, keys, outcomes, participant_ids, regions, revisions)!
UPDATE idempotency
SET outcome = given.outcome, participant_id = given.participant_id, region = given.region, revision = given.revision
FROM unnest(:callers::text[], :routes::text[], :keys::text[], :outcomes::text[], :participant_ids::uuid[],
            :regions::text[], :revisions::integer[])
     AS given (caller, route, key, outcome, participant_id, region, revision)
WHERE idempotency.caller = given.caller AND idempotency.route = given.route AND idempotency.key = given.key;

-- name: insert_participants(ids, nik_hmacs, nik_ciphers, phone_ciphers, cipher_key_ids, names, businesses, consents, channels, booths, occurred_ats, import_ids, regions, agencies, campaigns, steps)$
-- Registers the persons whose NIK is new, and says how many; waits for another transaction that registers one.
WITH inserted AS (
    INSERT INTO participant (id, nik_hmac, nik_cipher, phone_cipher, cipher_key_id, name, business, consent, channel,
                             booth, occurred_at, import_id, region, agency, campaign, steps)
    SELECT new.id, new.nik_hmac, new.nik_cipher, new.phone_cipher, new.cipher_key_id, new.name, new.business::jsonb,
           new.consent, new.channel, new.booth, new.occurred_at, new.import_id, new.region, new.agency, new.campaign,
           string_to_array(new.steps, ',')
    FROM unnest(:ids::uuid[], :nik_hmacs::bytea[], :nik_ciphers::bytea[], :phone_ciphers::bytea[],
                :cipher_key_ids::text[], :names::text[], :businesses::text[], :consents::text[], :channels::text[],
                :booths::text[], :occurred_ats::timestamptz[], :import_ids::text[], :regions::text[],
                :agencies::text[], :campaigns::text[], :steps::text[])
         AS new (id, nik_hmac, nik_cipher, phone_cipher, cipher_key_id, name, business, consent, channel, booth,
                 occurred_at, import_id, region, agency, campaign, steps)
    ON CONFLICT (nik_hmac) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM inserted;

-- name: lock_participants(ids, nik_hmacs)
-- Participants by id, and those that had one of these NIKs before this transaction.
SELECT id, standing, revision, merged_into, region, agency, campaign, steps, nik_hmac, nik_cipher, phone_cipher,
       cipher_key_id, name, business::text AS business, consent, channel, booth, occurred_at, import_id
FROM participant
WHERE id = ANY(:ids::uuid[])
   OR (nik_hmac = ANY(:nik_hmacs::bytea[]) AND xmin <> pg_current_xact_id()::xid)
ORDER BY id
FOR UPDATE;

-- name: update_participants(ids, standings, revisions, merged_intos, nik_ciphers, phone_ciphers, cipher_key_ids, names, businesses, consents, channels, booths, occurred_ats, import_ids, regions, agencies, campaigns, steps)!
-- Writes participants that are locked. A NIK's fingerprint never changes.
UPDATE participant
SET standing = new.standing, revision = new.revision, merged_into = new.merged_into, nik_cipher = new.nik_cipher,
    phone_cipher = new.phone_cipher, cipher_key_id = new.cipher_key_id, name = new.name,
    business = new.business::jsonb, consent = new.consent, channel = new.channel, booth = new.booth,
    occurred_at = new.occurred_at, import_id = new.import_id, region = new.region, agency = new.agency,
    campaign = new.campaign, steps = string_to_array(new.steps, ','), changed_at = now()
FROM unnest(:ids::uuid[], :standings::text[], :revisions::integer[], :merged_intos::uuid[], :nik_ciphers::bytea[],
            :phone_ciphers::bytea[], :cipher_key_ids::text[], :names::text[], :businesses::text[], :consents::text[],
            :channels::text[], :booths::text[], :occurred_ats::timestamptz[], :import_ids::text[], :regions::text[],
            :agencies::text[], :campaigns::text[], :steps::text[])
     AS new (id, standing, revision, merged_into, nik_cipher, phone_cipher, cipher_key_id, name, business, consent,
             channel, booth, occurred_at, import_id, region, agency, campaign, steps)
WHERE participant.id = new.id;

-- name: lock_partitions(partitions)
SELECT partition, last_sequence FROM partition WHERE partition = ANY(:partitions::smallint[])
ORDER BY partition
FOR UPDATE;

-- name: append_events(raised_partitions, last_sequences, partitions, sequences, ids, participant_ids, types, event_values)!
-- Only for partitions that are locked: their last sequences and the events up to them, in one statement.
WITH raised AS (
    UPDATE partition SET last_sequence = new.last_sequence
    FROM unnest(:raised_partitions::smallint[], :last_sequences::bigint[]) AS new (partition, last_sequence)
    WHERE partition.partition = new.partition
)
INSERT INTO event (partition, sequence, id, participant_id, type, value, recorded_at)
SELECT new.*, now()
FROM unnest(:partitions::smallint[], :sequences::bigint[], :ids::uuid[], :participant_ids::uuid[], :types::text[],
            :event_values::text[]) AS new;

-- name: delete_old_keys(kept, deleted_max)!
-- A bounded share of the keys older than `kept`; rows that somebody holds are left for the next round.
DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency WHERE created_at < now() - :kept::interval
    LIMIT :deleted_max FOR UPDATE SKIP LOCKED));
