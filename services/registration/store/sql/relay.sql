-- The statements of the relay: they read events in the order of their sequences, and store the published positions.

-- name: relay_pending(records_max, skip)
-- Returns, for each partition not in `skip`, at most `records_max` events that follow its published position. All are
-- read in one snapshot.
select p.partition, p.published, e.sequence, e.key, e.value
  from partition as p
 cross join lateral (
       select sequence, convert_to(participant_id::text, 'UTF8') as key, convert_to(value, 'UTF8') as value
         from event
        where event.partition = p.partition and event.sequence > p.published
        order by event.sequence
        limit :records_max
       ) as e
 where p.published < p.last_sequence and p.partition <> all (:skip::smallint[])
 order by p.partition, e.sequence;

-- name: relay_advance(partitions, expected, targets, lease, term)$
-- Moves the published positions from `expected` to `targets`, and returns how many positions moved. A
-- position moves only if it equals its expected value. No position moves unless the lease is valid and has
-- this term. Locks the partitions in ascending order, as all writers do. An UPDATE ... FROM alone would lock
-- them in any order. FOR SHARE locks the lease. If a takeover commits while this statement waits for the
-- lock, the statement sees the new term. Once the statement has the lock, no takeover can commit before the
-- statement ends.
with held as materialized (
    select 1 from lease where name = :lease and term = :term and until > clock_timestamp() for share
), locked as materialized (
    select p.partition from partition as p, held
     where p.partition = any (:partitions::smallint[])
     order by p.partition for update of p
), moved as (
    update partition as p set published = m.target, published_term = :term
      from unnest(:partitions::smallint[], :expected::bigint[], :targets::bigint[]) as m (partition, expected, target)
      join locked using (partition)
     where p.partition = m.partition and p.published = m.expected
    returning 1
)
select count(*) from moved;

-- name: relay_rewind(partition, position, lease, term)$
-- Lowers the published position of a partition, so that the relay sends the events above `position` again. Returns 1,
-- or 0 if the published position is not above `position` or if the lease is invalid or has another term.
with held as materialized (
    select 1 from lease where name = :lease and term = :term and until > clock_timestamp() for share
), moved as (
    update partition set published = :position, published_term = :term from held
     where partition = :partition and published > :position returning 1
)
select count(*) from moved;

-- name: relay_published()^
select epoch, (select array_agg(published order by partition) from partition) as published from register;

-- name: relay_registered_events(partitions, sequences)
-- Returns, for each given partition, its last sequence, and the id of the event at the given sequence of the partition.
-- The id is NULL if there is no such event.
select asked.partition, p.last_sequence, e.id::text as id
  from unnest(:partitions::smallint[], :sequences::bigint[]) as asked (partition, sequence)
  join partition as p using (partition)
  left join event as e on e.partition = asked.partition and e.sequence = asked.sequence;

-- name: relay_store_refusal(reason, lease, term)!
-- Stores why the relay refuses to publish; NULL if it publishes. Has no effect unless the lease is valid and has this
-- term.
update register set refused = :reason::text, refused_at = case when :reason::text is null then null else now() end
 where refused is distinct from :reason::text
   and exists (select 1 from lease where name = :lease and term = :term and until > clock_timestamp());

-- name: relay_refusal()$
select refused from register;
