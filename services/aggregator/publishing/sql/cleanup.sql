-- name: delete_published_changes(positions)!
-- Delete the rows of `changed` whose tallies are published in a cut and whose minutes are published too.
delete from changed using live, published
where changed.set_id = live.set_id
    and sequence <= least(
        (:positions::bigint[])[partition + 1],
        case when minutes_set_id = live.set_id and minutes_generation = live.generation
            then minutes_positions[partition + 1] else 0 end);

-- name: delete_unreadable(kept)!
-- Delete the oldest records without a valid sequence, except the newest `kept`, at most 5000 per call. No count depends
-- on these rows.
delete from quarantine where id = any(array(
    select id from quarantine where event_sequence is null order by id desc offset :kept::integer limit 5000));

-- name: delete_unused_sets()!
-- Delete the sets that rebuilds left behind, at most 5000 rows of each large table per call. The minutes of a
-- former set are kept until the minutes of the live set are published.
with used as (
    select set_id from live union select building from live where building is not null
    union select minutes_set_id from published
), positions as (
    delete from position where set_id not in (select set_id from used)
), tallies as (
    delete from tally where ctid in (
        select ctid from tally where set_id not in (select set_id from used) limit 5000)
), minutes as (
    delete from minute_tally where ctid in (
        select ctid from minute_tally where set_id not in (select set_id from used) limit 5000)
)
delete from changed where ctid in (
    select ctid from changed where set_id not in (select set_id from used) limit 5000);
