-- name: list_quarantine(after_id, rows_max)
-- The quarantined records of the current epoch with an id above `after_id`, oldest first.
select quarantine.* from quarantine join live using (epoch)
where id > :after_id::bigint
order by id limit :rows_max::bigint;

-- name: find_quarantined(partition, sequence)^
select quarantine.* from quarantine join live using (epoch)
where partition = :partition::smallint and event_sequence = :sequence::bigint;

-- name: apply_quarantined(partition, sequence, note, changes, scopes, regions, measures, deltas)$
-- Count a quarantined event once. A second, concurrent call finds the event applied and changes nothing.
with applied as (
    update quarantine set state = 'applied', note = :note, changes = :changes::jsonb, at = now()
    from live
    where quarantine.epoch = live.epoch and partition = :partition::smallint
        and event_sequence = :sequence::bigint and state = 'quarantined'
    returning live.set_id
), counted as (
    insert into tally as stored (set_id, scope, region, measure, count)
    select applied.set_id, change.*
    from unnest(:scopes::text[], :regions::text[], :measures::text[], :deltas::bigint[]) change, applied
    on conflict (set_id, scope, region, measure) do update set count = stored.count + excluded.count
), new_generation as (
    update live set generation = generation + 1 from applied
)
select count(*) from applied;

-- name: skip_event(partition, sequence, note)$
-- Move the position past an event that cannot be recovered; the next offset to read does not change.
with moved as (
    update position
    set sequence = :sequence::bigint, gap_seen = case when gap_seen > :sequence::bigint + 1 then gap_seen end
    from live
    where position.set_id = live.set_id and partition = :partition::smallint
        and sequence = :sequence::bigint - 1
    returning kafka_offset, live.epoch
), new_generation as (
    update live set generation = generation + 1 from moved
), skipped as (
    insert into quarantine (epoch, partition, kafka_offset, event_sequence, reason, state, note)
    select epoch, :partition::smallint, kafka_offset, :sequence::bigint, 'skipped', 'skipped', :note from moved
)
select count(*) from moved;
