-- name: positions()
-- The positions of the live set.
select position.set_id, partition, sequence, kafka_offset
from position join live on live.set_id = position.set_id
order by partition;

-- name: count_batch(set_id, partitions, expected, last, next_offsets, gaps, scopes, regions, measures, deltas, bad_partitions, bad_sequences, bad_offsets, bad_reasons)$
-- Store counts and positions in one statement. Either all positions move or none. If none moves, nothing else
-- is written, because every insert reads from `first`, which is empty then.
with input as (
    select * from unnest(
        :partitions::smallint[], :expected::bigint[], :last::bigint[], :next_offsets::bigint[], :gaps::bigint[]
    ) input (partition, expected, last, next_offset, gap)
), locked as materialized (
    select position.partition
    from position join input on position.partition = input.partition and position.sequence = input.expected
    where set_id = :set_id::smallint
    order by position.partition for update of position
), moved as (
    update position
    set sequence = input.last, kafka_offset = input.next_offset,
        gap_seen = least(input.gap, case when gap_seen > input.last + 1 then gap_seen end)
    from input
    where set_id = :set_id::smallint and position.partition = input.partition
        and position.sequence = input.expected
        and (select count(*) from locked) = cardinality(:partitions::smallint[])
    returning position.partition, position.sequence
), first as materialized (
    select partition, sequence from moved order by partition limit 1
), counted as (
    insert into tally as stored (set_id, scope, region, measure, count)
    select :set_id::smallint, change.*
    from unnest(:scopes::text[], :regions::text[], :measures::text[], :deltas::bigint[]) change, first
    on conflict (set_id, scope, region, measure) do update set count = stored.count + excluded.count
), changed_keys as (
    insert into changed (set_id, partition, sequence, scopes, regions, measures)
    select :set_id::smallint, partition, sequence, :scopes::text[], :regions::text[], :measures::text[]
    from first  -- one partition's position is enough to find the keys, because all positions moved together
), quarantined as (
    insert into quarantine (epoch, partition, kafka_offset, event_sequence, reason)
    select live.epoch, bad.*
    from unnest(:bad_partitions::smallint[], :bad_offsets::bigint[], :bad_sequences::bigint[], :bad_reasons::text[])
        bad, live, first
    on conflict (epoch, partition, event_sequence) where event_sequence is not null do nothing
)
select count(*) from moved;

-- name: record_gap(set_id, partition, sequence, seen)!
-- Store the lowest sequence beyond the gap, unless the position has moved.
update position set gap_seen = least(gap_seen, :seen::bigint)
where set_id = :set_id::smallint and partition = :partition::smallint and sequence = :sequence::bigint
    and gap_seen is distinct from least(gap_seen, :seen::bigint);

-- name: quarantine_unsequenced(partition, offsets, reasons)!
insert into quarantine (epoch, partition, kafka_offset, reason)
select live.epoch, :partition::smallint, record.kafka_offset, record.reason
from unnest(:offsets::bigint[], :reasons::text[]) record (kafka_offset, reason), live
on conflict (epoch, partition, kafka_offset) where event_sequence is null do nothing;
