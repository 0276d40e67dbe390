-- name: live_set()^
select set_id, generation, epoch, building from live;

-- name: begin_rebuild()^
-- Reserve a new set and insert its positions, all zero. If an earlier rebuild left a set behind, the
-- publisher deletes that set.
with reserved as (
    update live set building = nextval('set_ids') returning set_id, building, epoch
), new_positions as (
    insert into position (set_id, partition, sequence, kafka_offset)
    select reserved.building, partition, 0, 0 from position join reserved on position.set_id = reserved.set_id
)
select * from reserved;

-- name: abandon_rebuild(building)!
update live set building = null where building = :building::smallint;

-- name: settled_sequences(epoch)
-- The sequences that were quarantined, applied or skipped. The rebuild does not count their events.
select partition, event_sequence from quarantine
where epoch = :epoch::bigint and event_sequence is not null;

-- name: positions_of_set(set_id)
select partition, sequence from position where set_id = :set_id::smallint order by partition;

-- name: lock_live(set_id, building)^
select set_id, generation, epoch from live
where set_id = :set_id::smallint and building = :building::smallint for update;

-- name: lock_positions(set_id)
-- Workers wait for these locks until the swap, and then find that the position rows of the former set are
-- gone.
select partition, sequence from position where set_id = :set_id::smallint order by partition for update;

-- name: insert_rebuilt_quarantine(epoch, partitions, offsets, sequences, reasons)!
insert into quarantine (epoch, partition, kafka_offset, event_sequence, reason)
select :epoch::bigint, bad.*
from unnest(:partitions::smallint[], :offsets::bigint[], :sequences::bigint[], :reasons::text[]) bad
on conflict (epoch, partition, event_sequence) where event_sequence is not null do nothing;

-- name: add_applied_tallies(set_id, epoch)!
-- Add the tally changes of the events that operators applied from the quarantine.
insert into tally as stored (set_id, scope, region, measure, count)
select :set_id::smallint, change ->> 0, change ->> 1, change ->> 2, sum((change ->> 3)::bigint)
from quarantine, jsonb_array_elements(changes -> 'tallies') change
where epoch = :epoch::bigint and state = 'applied'
group by 2, 3, 4 order by 2, 3, 4
on conflict (set_id, scope, region, measure) do update set count = stored.count + excluded.count;

-- name: keep_peaks(set_id, building)!
-- Replace the peaks of the rebuilt set, which never was in a cut, by those of the live set. A count that the swap
-- lowers leaves its peak now.
with known as (
    select scope, region, measure, greatest(peak, count) as peak,
        case when count >= peak then now() else peak_left_at end as left_at
    from tally where set_id = :set_id::smallint and greatest(peak, count) > 0
), cleared as (
    update tally set peak = 0, peak_left_at = null where set_id = :building::smallint and peak > 0
        and not exists (select 1 from known
            where (known.scope, known.region, known.measure) = (tally.scope, tally.region, tally.measure))
)
insert into tally as stored (set_id, scope, region, measure, count, peak, peak_left_at)
select :building::smallint, scope, region, measure, 0, peak, left_at from known
order by scope, region, measure
on conflict (set_id, scope, region, measure) do update
set peak = excluded.peak, peak_left_at = excluded.peak_left_at
where stored.peak > 0 or excluded.peak > stored.count;

-- name: swap_sets(set_id, building, epoch)!
-- Make the rebuilt set live. The publisher's term rises, so that readers ignore a cut of the former set that
-- arrives late.
with swapped as (
    update live set set_id = building, generation = generation + 1, epoch = :epoch::bigint, building = null
    where set_id = :set_id::smallint and building = :building::smallint returning 1
), deleted as (
    delete from position using swapped where set_id = :set_id::smallint
)
update lease set term = term + 1 from swapped where name = 'publisher';
