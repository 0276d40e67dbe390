-- name: untold(rows_max)
-- Take the states not told yet, oldest first.
with told as (
    update quarantine set told = true
    where (epoch, partition, kafka_offset) in (
        select epoch, partition, kafka_offset from quarantine where not told
        order by at, partition, kafka_offset limit :rows_max::bigint
        for update skip locked)
    returning *
)
select * from told order by at, partition, kafka_offset;

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
