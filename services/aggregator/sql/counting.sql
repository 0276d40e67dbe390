-- name: places()
-- Where counting stands, of the live set.
select position.set_id, partition, sequence, kafka_offset
from position join live on live.set_id = position.set_id
order by partition;

-- name: count_batch(set_id, partition, expected, last, next_offset, gap, scopes, regions, measures, deltas, minutes, minute_scopes, minute_regions, minute_deltas, bad_sequences, bad_offsets, bad_reasons, minute_keys, minute_key_scopes)$
-- Counts and position in one statement: everything is joined to the row that moved.
with moved as (
    update position
    set sequence = :last::bigint, kafka_offset = :next_offset::bigint,
        gap_seen = least(:gap::bigint, case when gap_seen > :last::bigint + 1 then gap_seen end)
    where set_id = :set_id::smallint and partition = :partition::smallint and sequence = :expected::bigint
    returning 1
), counted as (
    insert into tally as held (set_id, scope, region, measure, count)
    select :set_id::smallint, change.*
    from unnest(:scopes::text[], :regions::text[], :measures::text[], :deltas::bigint[]) change, moved
    on conflict (set_id, scope, region, measure) do update set count = held.count + excluded.count
), counted_by_minute as (
    insert into minute_tally as held (set_id, minute, scope, region, count)
    select :set_id::smallint, change.*
    from unnest(
        :minutes::timestamptz[], :minute_scopes::text[], :minute_regions::text[], :minute_deltas::bigint[]
    ) change, moved
    on conflict (set_id, minute, scope, region) do update set count = held.count + excluded.count
), listed as (
    insert into changed (set_id, partition, sequence, scopes, regions, measures, minutes, minute_scopes)
    select :set_id::smallint, :partition::smallint, :last::bigint, :scopes::text[], :regions::text[], :measures::text[],
        :minute_keys::timestamptz[], :minute_key_scopes::text[]
    from moved
), kept as (
    insert into quarantine (epoch, partition, kafka_offset, event_sequence, reason)
    select live.epoch, :partition::smallint, bad.kafka_offset, bad.event_sequence, bad.reason
    from unnest(:bad_sequences::bigint[], :bad_offsets::bigint[], :bad_reasons::text[])
        bad (event_sequence, kafka_offset, reason), live, moved
    on conflict (epoch, partition, event_sequence) where event_sequence is not null do nothing
)
select count(*) from moved;

-- name: note_gap(set_id, partition, sequence, seen)!
update position set gap_seen = least(gap_seen, :seen::bigint)
where set_id = :set_id::smallint and partition = :partition::smallint and sequence = :sequence::bigint
    and gap_seen is distinct from least(gap_seen, :seen::bigint);

-- name: keep_strays(partition, offsets, reasons)!
insert into quarantine (epoch, partition, kafka_offset, reason)
select live.epoch, :partition::smallint, stray.kafka_offset, stray.reason
from unnest(:offsets::bigint[], :reasons::text[]) stray (kafka_offset, reason), live
on conflict (epoch, partition, kafka_offset) where event_sequence is null do nothing;
