-- name: delete_published_changes(positions)!
-- Delete the rows of `changed` whose tallies are published in a cut.
delete from changed using live
where changed.set_id = live.set_id and sequence <= (:positions::bigint[])[partition + 1];

-- name: delete_unreadable(kept)!
-- Delete the oldest records without a valid sequence, except the newest `kept`, at most 5000 per call. No count depends
-- on these rows.
delete from quarantine where id = any(array(
    select id from quarantine where event_sequence is null order by id desc offset :kept::integer limit 5000));

-- name: delete_unused_sets()!
-- Delete the sets that rebuilds left behind, at most 5000 rows of each large table per call.
with used as (
    select set_id from live union select building from live where building is not null
), positions as (
    delete from position where set_id not in (select set_id from used)
), tallies as (
    delete from tally where ctid in (
        select ctid from tally where set_id not in (select set_id from used) limit 5000)
)
delete from changed where ctid in (
    select ctid from changed where set_id not in (select set_id from used) limit 5000);
