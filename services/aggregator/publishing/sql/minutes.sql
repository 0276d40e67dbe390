-- name: ended_minute()^
-- The newest kept cut, and the end of the newest minute, if that minute has ended since.
select ends_at, cut, as_of, generation, epoch, positions, behind, date_trunc('minute', now()) as new_ends_at
from kept_cut where ends_at < date_trunc('minute', now());

-- name: changed_since_kept(set_id)
-- The numbers of live participants that differ from those of the newest kept cut: the number, and the kept one.
select scope, region, coalesce(current.count, 0) as count, coalesce(kept.count, 0) as former
from (
    select scope, region, sum(case measure when 'stock' then -count else count end)::bigint as count
    from tally where set_id = :set_id::smallint and measure in ('registered', 'stock') group by scope, region
) current full join kept_count kept using (scope, region)
where coalesce(current.count, 0) <> coalesce(kept.count, 0)
order by scope, region;

-- name: keep_minute(lease, term, since, ends_at, cut, as_of, generation, epoch, positions, behind, minute_scopes, minute_values, scopes, regions, counts)$
-- Store the kept cut at the end of a minute and the growth since the one that ended at `since`, while this term
-- leads. If another process has stored a kept cut meanwhile, nothing changes.
with held as materialized (
    select 1 from lease where name = :lease and term = :term::bigint and until > clock_timestamp() for share
), moved as (
    update kept_cut set ends_at = :ends_at, cut = :cut, as_of = :as_of, generation = :generation::bigint,
        epoch = :epoch::bigint, positions = :positions::bigint[], behind = :behind
    from held where kept_cut.ends_at = :since returning kept_cut.ends_at
), minutes as (
    insert into kept_minute (minute, scope, value)
    select moved.ends_at - interval '1 minute', minute.scope, minute.value
    from unnest(:minute_scopes::text[], :minute_values::text[]) minute (scope, value), moved
    -- A conflict is possible only if the database's clock was set back. It must not stop the cuts.
    on conflict (minute, scope) do update set value = excluded.value, published = false
), counted as (
    insert into kept_count as stored (scope, region, count)
    select changed.* from unnest(:scopes::text[], :regions::text[], :counts::bigint[]) changed, moved
    on conflict (scope, region) do update set count = excluded.count
)
select count(*) from moved;

-- name: unpublished_minutes(minutes_max)
-- The scope `all` is the last of its minute.
select minute, scope, value from kept_minute where not published
order by minute, scope = 'all', scope limit :minutes_max;

-- name: mark_published(minutes, scopes, topic_end)!
-- Mark minutes as published, and store the end of the topic after them.
with marked as (
    update kept_minute set published = true
    from unnest(:minutes::timestamptz[], :scopes::text[]) key (minute, scope)
    where (kept_minute.minute, kept_minute.scope) = (key.minute, key.scope)
)
update published set minutes_end = :topic_end::bigint;

-- name: publish_minutes_again(topic_end)$
-- If the topic ends below the stored end, it was made again: every kept minute is due again.
with shortened as (
    update published set minutes_end = :topic_end::bigint where minutes_end > :topic_end::bigint returning 1
), unmarked as (
    update kept_minute set published = false from shortened where published returning 1
)
select count(*) from unmarked;

-- name: expired_minutes(minutes_max)
select minute, scope from kept_minute where minute < now() - interval '48 hours'
order by minute, scope limit :minutes_max;

-- name: delete_minutes(minutes, scopes)!
delete from kept_minute using unnest(:minutes::timestamptz[], :scopes::text[]) key (minute, scope)
where (kept_minute.minute, kept_minute.scope) = (key.minute, key.scope);
