-- name: begin_rebuild()^
-- Name the set to be counted beside the live one; what an earlier rebuild left is forgotten by the publisher.
with named as (
    update live set building = nextval('set_ids') returning set_id, building, epoch
), placed as (
    insert into position (set_id, partition, sequence, kafka_offset)
    select named.building, partition, 0, 0 from position join named on position.set_id = named.set_id
)
select * from named;

-- name: abandon_rebuild(building)!
update live set building = null where building = :building::smallint;

-- name: set_aside(epoch)
select partition, event_sequence from quarantine
where epoch = :epoch::bigint and event_sequence is not null;

-- name: positions_of(set_id)
select partition, sequence from position where set_id = :set_id::smallint order by partition;

-- name: lock_live(set_id, building)^
select set_id, generation, epoch from live
where set_id = :set_id::smallint and building = :building::smallint for update;

-- name: lock_positions(set_id)
-- Workers wait here for the moment of the swap, and then find their rows gone.
select partition, sequence from position where set_id = :set_id::smallint order by partition for update;

-- name: keep_rebuilt_quarantine(epoch, partitions, offsets, sequences, reasons)!
insert into quarantine (epoch, partition, kafka_offset, event_sequence, reason)
select :epoch::bigint, bad.*
from unnest(:partitions::smallint[], :offsets::bigint[], :sequences::bigint[], :reasons::text[]) bad
on conflict (epoch, partition, event_sequence) where event_sequence is not null do nothing;

-- name: add_applied(set_id, epoch)!
insert into tally as held (set_id, scope, region, measure, count)
select :set_id::smallint, change ->> 0, change ->> 1, change ->> 2, sum((change ->> 3)::bigint)
from quarantine, jsonb_array_elements(changes -> 'tallies') change
where epoch = :epoch::bigint and state = 'applied'
group by 2, 3, 4 order by 2, 3, 4
on conflict (set_id, scope, region, measure) do update set count = held.count + excluded.count;

-- name: add_applied_minutes(set_id, epoch, oldest)!
insert into minute_tally as held (set_id, minute, scope, region, count)
select :set_id::smallint, (change ->> 0)::timestamptz, change ->> 1, change ->> 2, sum((change ->> 3)::bigint)
from quarantine, jsonb_array_elements(changes -> 'minutes') change
where epoch = :epoch::bigint and state = 'applied' and (change ->> 0)::timestamptz >= :oldest::timestamptz
group by 2, 3, 4 order by 2, 3, 4
on conflict (set_id, minute, scope, region) do update set count = held.count + excluded.count;

-- name: swap(set_id, building, epoch)!
-- The publisher's term rises: a cut of the former set that is still on its way is ignored by readers.
with swapped as (
    update live set set_id = building, generation = generation + 1, epoch = :epoch::bigint, building = null
    where set_id = :set_id::smallint and building = :building::smallint returning 1
), emptied as (
    delete from position using swapped where set_id = :set_id::smallint
)
update lease set term = term + 1 from swapped where name = 'publisher';

-- name: live()^
select set_id, generation, epoch, building from live;
