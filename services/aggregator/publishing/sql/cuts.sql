-- name: cut_head()^
-- The head of a cut. Of the quarantined and skipped events it names the first thousand, by partition and
-- sequence.
select live.set_id, live.generation, live.epoch, now() as as_of, progress.positions, progress.gaps,
    uncounted.partitions, uncounted.sequences, coalesce(uncounted.total, 0) as total
from live
cross join lateral (
    select array_agg(sequence order by partition) as positions, array_agg(gap_seen order by partition) as gaps
    from position where position.set_id = live.set_id
) progress
cross join lateral (
    select array_agg(partition order by partition, event_sequence) filter (where rank <= 1000) as partitions,
        array_agg(event_sequence order by partition, event_sequence) filter (where rank <= 1000) as sequences,
        count(*) as total
    from (
        select partition, event_sequence, row_number() over (order by partition, event_sequence) as rank
        from quarantine
        where quarantine.epoch = live.epoch and event_sequence is not null and state <> 'applied'
    ) outstanding
) uncounted;

-- name: changed_rows(set_id, positions)
-- The tallies that changed when events after these positions were counted.
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

-- name: published_state()^
select published.term, cut, minutes_set_id, minutes_generation, minutes_positions from published;

-- name: reserve_cut(lease, term, cut)$
-- Reserve a cut number while this term leads. A number that another leader reserved is never reserved again.
with held as materialized (
    select 1 from lease where name = :lease and term = :term::bigint and until > clock_timestamp() for share
), reserved as (
    update published set term = :term::bigint, cut = :cut::bigint
    from held
    where published.term < :term::bigint or (published.term = :term::bigint and published.cut < :cut::bigint)
    returning 1
)
select count(*) from reserved;
