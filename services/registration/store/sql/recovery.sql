-- The statements of a recovery. After the register was restored, a recovery empties the topic and has all
-- events published again.

-- name: recover_seize_lease(name, holder, seconds)$
-- Takes the lease from its holder, even before the lease has ended. The term rises, so later statements with
-- the former holder's term have no effect.
insert into lease as held (name, holder, term, until)
values (:name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
on conflict (name) do update
   set holder = excluded.holder, term = held.term + 1, until = clock_timestamp() + make_interval(secs => :seconds)
returning term;

-- name: recover_rewind(reason)!
-- Resets all published positions to 0, and stores a reason for which the relay refuses to publish. Thus the relay
-- publishes nothing if the recovery is interrupted.
-- Locks the partitions in ascending order, as all writers do.
with locked as materialized (
    select partition from partition order by partition for update
), rewound as (
    update partition set published = 0 from locked where partition.partition = locked.partition returning 1
)
update register set refused = :reason, refused_at = now() where (select count(*) from rewound) >= 0;

-- name: recover_begin_epoch(published)^
-- Begins an epoch above the register's own epoch and above the epoch `published`, and returns it with the last sequence
-- of each partition.
update register set epoch = greatest(epoch, :published::integer) + 1, refused = null, refused_at = null,
                    recovered_at = now()
returning epoch, (select array_agg(last_sequence order by partition) from partition) as last_sequence;

-- name: recover_progress()^
-- Returns the published positions, and whether a relay runs.
select (select array_agg(published order by partition) from partition) as published,
       exists (select 1 from lease where name = 'relay' and until > clock_timestamp()) as relay_alive;

-- name: recover_release_lease(name, holder)!
update lease set until = '-infinity' where name = :name and holder = :holder;
