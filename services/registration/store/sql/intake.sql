-- The statements that write a batch of operations. Every writer takes locks in the same order: idempotency keys sorted,
-- NIK fingerprints sorted, participants by id, partitions ascending. The arrays must be sorted in this way. Large
-- arrays are passed as literals (`::text::…[]`), because the driver would inspect each element of a list.

-- name: write_rows(key_count, callers, routes, keys, body_hmacs, outcomes, answer_participant_ids, answer_regions, answer_revisions, participant_count, {new_columns}, locked_partitions, event_counts, partitions, ordinals, event_ids, event_participants, types, texts, time_placeholder, sequence_placeholder)^
-- Writes the new rows of a batch in the order in which writers take locks, and returns how many rows of each
-- table were written. Each of the three steps may have no rows.
-- 1. Inserts the idempotency keys, each with its likely answer. A key that exists is skipped. If another open
--    transaction has inserted the same key, this statement waits until that transaction ends.
-- 2. If every key was free, inserts the participants. A participant whose NIK exists is skipped.
-- 3. If every participant was inserted, locks the partitions of the events, raises their last sequences, and inserts
--    the events. An event's ordinal is its number among this batch's events of the same partition, from 1. `texts` has
--    one event per line, because the JSON has no line breaks. The placeholders for time and sequence are replaced here.
with claimed as (
    insert into idempotency (caller, route, key, body_hmac, outcome, participant_id, region, revision)
    select * from unnest(:callers::text::text[], :routes::text::text[], :keys::text::text[],
                         :body_hmacs::text::bytea[], :outcomes::text::text[],
                         :answer_participant_ids::text::uuid[], :answer_regions::text::text[],
                         :answer_revisions::text::integer[])
    on conflict do nothing
    returning 1
), inserted as (
    insert into participant ({new_columns})
    select {new_values}
    from unnest({new_parameters}) as new ({new_columns})
    -- This condition is evaluated before the first participant is inserted, so all keys are locked before any NIK.
    where (select count(*) from claimed) = :key_count
    on conflict (nik_hmac) do nothing
    returning 1
), locked as materialized (
    select partition, last_sequence from partition
    where partition = any(:locked_partitions::text::smallint[])
      and (select count(*) from claimed) = :key_count
      and (select count(*) from inserted) = :participant_count
    order by partition
    for update
), raised as (
    update partition set last_sequence = locked.last_sequence + new.event_count
    from unnest(:locked_partitions::text::smallint[], :event_counts::text::integer[]) as new (partition, event_count)
    join locked using (partition)
    where partition.partition = new.partition
), appended as (
    insert into event (partition, sequence, id, participant_id, type, value, recorded_at)
    select new.partition, locked.last_sequence + new.ordinal, new.id, new.participant_id, new.type,
           replace(replace(new.value, :sequence_placeholder::text,
                           '"sequence":' || (locked.last_sequence + new.ordinal) || ','),
                   :time_placeholder::text,
                   -- The same format as that of `registration.domain.cloud_event.utc_text`.
                   (select '"time":"' || replace(to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                                                 '.000000Z', 'Z') || '"')),
           now()
    from unnest(:partitions::text::smallint[], :ordinals::text::integer[], :event_ids::text::uuid[],
                :event_participants::text::uuid[], :types::text::text[], string_to_array(:texts::text, E'\n'))
         as new (partition, ordinal, id, participant_id, type, value)
    join locked using (partition)
    returning 1
)
select (select count(*) from claimed) as claimed, (select count(*) from inserted) as inserted,
       (select count(*) from appended) as appended, now() as recorded_at;

-- name: stored_answers(callers, routes, keys)
-- Returns the answers of those keys that existed before this transaction. `index` is the key's place in the arrays,
-- from 0.
select asked.ordinal - 1 as index, body_hmac, outcome, participant_id, region, revision, created_at
from unnest(:callers::text[], :routes::text[], :keys::text[]) with ordinality as asked (caller, route, key, ordinal)
join idempotency using (caller, route, key)
where idempotency.xmin <> pg_current_xact_id()::xid;

-- name: update_answers(callers, routes, keys, outcomes, participant_ids, regions, revisions)!
-- Replaces the likely answers, which were stored together with the keys, by the actual answers.
update idempotency
set outcome = actual.outcome, participant_id = actual.participant_id, region = actual.region, revision = actual.revision
from unnest(:callers::text[], :routes::text[], :keys::text[], :outcomes::text[], :participant_ids::uuid[],
            :regions::text[], :revisions::integer[])
     as actual (caller, route, key, outcome, participant_id, region, revision)
where idempotency.caller = actual.caller and idempotency.route = actual.route and idempotency.key = actual.key;

-- name: lock_participants(ids, nik_hmacs)
-- Locks and returns the participants with these ids or NIK fingerprints. A participant is found by NIK fingerprint only
-- if this transaction has not inserted or updated its row.
select {participant_columns}
from participant
where id = any(:ids::uuid[])
   or (nik_hmac = any(:nik_hmacs::bytea[]) and xmin <> pg_current_xact_id()::xid)
order by id
for update;

-- name: update_participants({changed_columns})!
-- Updates participants that this transaction has locked. The fingerprint of a NIK never changes.
update participant set {changed_assignments}, changed_at = now()
from unnest({changed_parameters}) as new ({changed_columns})
where participant.id = new.id;

-- name: delete_old_keys(kept, deleted_max)!
-- Deletes at most `deleted_max` idempotency keys older than `kept`. Skips rows that another transaction has
-- locked; a later call deletes them.
delete from idempotency where ctid = any(array(
    select ctid from idempotency where created_at < now() - :kept::interval
    limit :deleted_max for update skip locked));
