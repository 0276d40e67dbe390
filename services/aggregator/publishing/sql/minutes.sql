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
-- The growth of each region in the given minutes. A minute without growth has one row, whose region is null.
select key.minute, key.scope, region, count
from unnest(:minutes::timestamptz[], :scopes::text[]) key (minute, scope)
left join minute_tally on set_id = :set_id::smallint and count <> 0
    and (minute_tally.minute, minute_tally.scope) = (key.minute, key.scope)
order by 1, 2, 3;

-- name: store_published_minutes(lease, term, set_id, generation, positions)$
-- While this term leads, store the positions up to which all changed minutes are published.
with held as materialized (
    select 1 from lease where name = :lease and term = :term::bigint and until > clock_timestamp() for share
), stored as (
    update published set minutes_set_id = :set_id::smallint, minutes_generation = :generation::bigint,
        minutes_positions = :positions::bigint[]
    from held returning 1
)
select count(*) from stored;

-- name: expired_minutes(oldest, keys_max)
select distinct minute, scope from minute_tally join live using (set_id)
where minute < :oldest
order by 1, 2 limit :keys_max;

-- name: delete_minutes(minutes, scopes)!
delete from minute_tally using unnest(:minutes::timestamptz[], :scopes::text[]) key (minute, scope)
where (minute_tally.minute, minute_tally.scope) = (key.minute, key.scope);
