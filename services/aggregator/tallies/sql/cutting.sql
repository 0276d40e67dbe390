-- name: head()^
-- Everything a cut says besides the counts.
select live.set_id, live.generation, live.epoch, now() as as_of, placed.positions, placed.gaps,
    named.partitions, named.sequences, coalesce(named.total, 0) as total
from live
cross join lateral (
    select array_agg(sequence order by partition) as positions, array_agg(gap_seen order by partition) as gaps
    from position where position.set_id = live.set_id
) placed
cross join lateral (
    select array_agg(partition order by partition, event_sequence) filter (where place <= 1000) as partitions,
        array_agg(event_sequence order by partition, event_sequence) filter (where place <= 1000) as sequences,
        count(*) as total
    from (
        select partition, event_sequence, row_number() over (order by partition, event_sequence) as place
        from quarantine
        where quarantine.epoch = live.epoch and event_sequence is not null and state <> 'applied'
    ) outstanding
) named;

-- name: changed_rows(set_id, positions)
-- The tallies that batches after these positions changed.
with keys as (
    select distinct key.scope, key.region, key.measure
    from changed, unnest(scopes, regions, measures) key (scope, region, measure)
    where set_id = :set_id::smallint and sequence > (:positions::bigint[])[partition + 1]
)
select keys.scope, keys.region, keys.measure, coalesce(count, 0) as count
from keys left join tally on tally.set_id = :set_id::smallint
    and (tally.scope, tally.region, tally.measure) = (keys.scope, keys.region, keys.measure)
order by 1, 2, 3;

-- name: all_rows(set_id)
select scope, region, measure, count from tally
where set_id = :set_id::smallint and count <> 0
order by scope, region, measure;

-- name: remembered()^
select published.term, cut, minutes_set_id, minutes_generation, minutes_positions from published;

-- name: reserve(lease, term, cut)$
-- Take a cut's number, as long as this term leads: what another leader took is never used again.
with held as materialized (
    select 1 from lease where name = :lease and term = :term::bigint and until > clock_timestamp() for share
), reserved as (
    update published set term = :term::bigint, cut = :cut::bigint
    from held
    where published.term < :term::bigint or (published.term = :term::bigint and published.cut < :cut::bigint)
    returning 1
)
select count(*) from reserved;

-- name: forget_changed(positions)!
-- What every reader of the list is past.
delete from changed using live, published
where changed.set_id = live.set_id
    and sequence <= least(
        (:positions::bigint[])[partition + 1],
        case when minutes_set_id = live.set_id and minutes_generation = live.generation
            then minutes_positions[partition + 1] else 0 end);

-- name: changed_minutes(set_id, positions)
select distinct key.minute, key.scope
from changed, unnest(minutes, minute_scopes) key (minute, scope)
where set_id = :set_id::smallint and sequence > (:positions::bigint[])[partition + 1]
order by 1, 2;

-- name: all_minutes(set_id, former_set_id)
select distinct minute, scope from minute_tally
where set_id in (:set_id::smallint, :former_set_id::smallint)
order by 1, 2;

-- name: minute_rows(set_id, minutes, scopes)
-- The growth in each asked minute, or no row where nothing grew.
select key.minute, key.scope, region, count
from unnest(:minutes::timestamptz[], :scopes::text[]) key (minute, scope)
left join minute_tally on set_id = :set_id::smallint and count <> 0
    and (minute_tally.minute, minute_tally.scope) = (key.minute, key.scope)
order by 1, 2, 3;

-- name: remember_minutes(lease, term, set_id, generation, positions)$
with held as materialized (
    select 1 from lease where name = :lease and term = :term::bigint and until > clock_timestamp() for share
), remembered as (
    update published set minutes_set_id = :set_id::smallint, minutes_generation = :generation::bigint,
        minutes_positions = :positions::bigint[]
    from held returning 1
)
select count(*) from remembered;

-- name: expired_minutes(oldest, keys_max)
select distinct minute, scope from minute_tally join live using (set_id)
where minute < :oldest
order by 1, 2 limit :keys_max;

-- name: forget_minutes(minutes, scopes)!
delete from minute_tally using unnest(:minutes::timestamptz[], :scopes::text[]) key (minute, scope)
where (minute_tally.minute, minute_tally.scope) = (key.minute, key.scope);
