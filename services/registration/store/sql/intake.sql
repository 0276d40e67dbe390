-- The statements that read and write a batch of operations. Every writer takes locks in the same order: known
-- participants by id, idempotency keys sorted, NIK fingerprints of new participants sorted, partitions ascending. The
-- arrays must be sorted in this way. Arrays are passed as literals (`::text::…[]`), because the driver would inspect
-- each element of a list.

-- name: read_known(callers, routes, keys, ids, nik_hmacs)
-- Returns the stored answers of these idempotency keys, and locks and returns the participants with these ids or NIK
-- fingerprints. A row has either an answer or a participant. `key_index` is the key's place in the arrays, from 0.
-- A stored answer may be of a commit that the synchronous standby lacks. With `barrier`, this transaction's commit waits
-- until the standby has it.
with answered as (
    select asked.ordinal - 1 as key_index, stored.*,
           case when current_setting('synchronous_standby_names') <> ''
                then pg_logical_emit_message(true, 'barrier', '')::text end as barrier
    from unnest(:callers::text::text[], :routes::text::text[], :keys::text::text[])
         with ordinality as asked (caller, route, key, ordinal)
    cross join lateral (
        select body_hmac, outcome, participant_id, region as answer_region, revision as answer_revision, created_at
        from idempotency where (caller, route, key) = (asked.caller, asked.route, asked.key) limit 1
    ) as stored
), known as materialized (
    select {participant_columns} from participant
    where id = any(:ids::text::uuid[]) or nik_hmac = any(:nik_hmacs::text::bytea[])
    order by id
    for update
)
select * from answered full join known on false;

-- name: write_rows(key_count, callers, routes, keys, body_hmacs, outcomes, answer_participant_ids, answer_regions, answer_revisions, participant_count, {new_columns}, locked_partitions, event_counts, partitions, ordinals, event_ids, event_participants, types, texts, time_placeholder, sequence_placeholder)^
-- Writes the new rows of a batch in the order in which writers take locks, and returns whether all of them were
-- written. Each of the three steps may have no rows.
-- 1. Inserts the idempotency keys with their answers. A key that exists is skipped. If another open transaction has
--    inserted the same key, this statement waits until that transaction ends.
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
select now() as recorded_at,
       (select count(*) from claimed) = :key_count and (select count(*) from inserted) = :participant_count
       and (select count(*) from appended) = cardinality(:ordinals::text::integer[]) as complete;

-- name: keep_former({all_columns})!
-- Stores the former state of withdrawn participants that register again. This transaction has locked and not yet
-- updated them.
insert into former_registration ({all_columns}, recorded_at, changed_at)
select {all_values}, participant.recorded_at, participant.changed_at
from unnest({all_parameters}) as new ({all_columns})
join participant using (id);

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
