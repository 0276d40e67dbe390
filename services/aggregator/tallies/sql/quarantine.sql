-- name: untold(rows_max)
-- Take the states not told yet, oldest first.
with told as (
    update quarantine set told = true
    where id in (
        select id from quarantine where not told
        order by at, id limit :rows_max::bigint
        for update skip locked)
    returning *
)
select * from told order by at, id;

-- name: forget_sets()!
-- What a rebuild left behind, in slices; the minutes of a former set wait until they are told anew.
with kept as (
    select set_id from live union select building from live where building is not null
    union select minutes_set_id from published
), positions as (
    delete from position where set_id not in (select set_id from kept)
), tallies as (
    delete from tally where ctid in (
        select ctid from tally where set_id not in (select set_id from kept) limit 5000)
), minutes as (
    delete from minute_tally where ctid in (
        select ctid from minute_tally where set_id not in (select set_id from kept) limit 5000)
)
delete from changed where ctid in (
    select ctid from changed where set_id not in (select set_id from kept) limit 5000);

-- name: listed(rows_max)
select quarantine.* from quarantine join live using (epoch)
order by (state = 'quarantined') desc, at desc, id desc limit :rows_max::bigint;

-- name: quarantined(partition, sequence)^
select quarantine.* from quarantine join live using (epoch)
where partition = :partition::smallint and event_sequence = :sequence::bigint;

-- name: apply(partition, sequence, note, changes, scopes, regions, measures, deltas, minutes, minute_scopes, minute_regions, minute_deltas)$
-- Count a quarantined event, once: whoever comes second finds it applied.
with applied as (
    update quarantine set state = 'applied', note = :note, changes = :changes::jsonb, at = now(), told = false
    from live
    where quarantine.epoch = live.epoch and partition = :partition::smallint
        and event_sequence = :sequence::bigint and state = 'quarantined'
    returning live.set_id
), counted as (
    insert into tally as held (set_id, scope, region, measure, count)
    select applied.set_id, change.*
    from unnest(:scopes::text[], :regions::text[], :measures::text[], :deltas::bigint[]) change, applied
    on conflict (set_id, scope, region, measure) do update set count = held.count + excluded.count
), counted_by_minute as (
    insert into minute_tally as held (set_id, minute, scope, region, count)
    select applied.set_id, change.*
    from unnest(
        :minutes::timestamptz[], :minute_scopes::text[], :minute_regions::text[], :minute_deltas::bigint[]
    ) change, applied
    on conflict (set_id, minute, scope, region) do update set count = held.count + excluded.count
), raised as (
    update live set generation = generation + 1 from applied
)
select count(*) from applied;

-- name: skip(partition, sequence, note)$
-- Move the position over an event that cannot be had; the offset to read on from stays.
with moved as (
    update position
    set sequence = :sequence::bigint, gap_seen = case when gap_seen > :sequence::bigint + 1 then gap_seen end
    from live
    where position.set_id = live.set_id and partition = :partition::smallint
        and sequence = :sequence::bigint - 1
    returning kafka_offset, live.epoch
), raised as (
    update live set generation = generation + 1 from moved
), kept as (
    insert into quarantine (epoch, partition, kafka_offset, event_sequence, reason, state, note)
    select epoch, :partition::smallint, kafka_offset, :sequence::bigint, 'skipped', 'skipped', :note from moved
)
select count(*) from moved;
