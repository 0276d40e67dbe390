-- name: cut_head()^
select live.set_id, live.generation, live.epoch, now() as as_of, progress.positions, progress.gaps, progress.next_offsets
from live
cross join lateral (
    select array_agg(sequence order by partition) as positions, array_agg(gap_seen order by partition) as gaps,
        array_agg(kafka_offset order by partition) as next_offsets
    from position where position.set_id = live.set_id
) progress;

-- name: quarantined_ranges(epoch, after, positions)
-- The quarantined and skipped events above `after` and up to `positions`, as ranges of consecutive sequences.
select partition, min(event_sequence) as first, max(event_sequence) as last
from (
    select quarantine.partition, event_sequence,
        event_sequence - row_number() over (partition by quarantine.partition order by event_sequence) as island
    from unnest(:after::bigint[], :positions::bigint[]) with ordinality as span (above, upto, number)
    join quarantine on quarantine.epoch = :epoch::bigint and quarantine.partition = span.number - 1
        and event_sequence > span.above and event_sequence <= span.upto
    where state <> 'applied'
) outstanding
group by partition, island
order by partition, first;

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

-- name: peaks(set_id)
select scope, region, measure, peak, peak_left_at from tally
where set_id = :set_id::smallint and peak > count
order by scope, region, measure;

-- name: published_state()^
select published.term, cut from published;

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
