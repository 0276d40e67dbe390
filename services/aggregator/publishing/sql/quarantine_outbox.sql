-- name: mark_unpublished_states(rows_max)
-- Mark the oldest quarantine states that are not in the outbox yet, and return them.
with marked as (
    update quarantine set told = true
    where id in (
        select id from quarantine where not told
        order by at, id limit :rows_max::bigint
        for update skip locked)
    returning *
)
select * from marked order by at, id;
