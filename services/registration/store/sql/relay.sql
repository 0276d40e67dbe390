-- The event table as the relay's source: events in sequence order per partition, and the published positions.

-- name: relay_pending(records_max, skip)
-- The next events above the published position of each partition, from one snapshot.
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
-- Moves published positions while the caller holds the lease; returns how many moved.
-- Partitions are locked in ascending order, as all writers do; an UPDATE ... FROM alone would lock in any order.
-- FOR SHARE: the statement sees a takeover of the lease that commits while it waits, and no takeover can commit before
-- this statement ends.
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
-- Lowers the published position of a partition, so that later events are sent again; returns the number of rows.
with held as materialized (
    select 1 from lease where name = :lease and term = :term and until > clock_timestamp() for share
), moved as (
    update partition set published = :position, published_term = :term from held
     where partition = :partition and published > :position returning 1
)
select count(*) from moved;

-- name: relay_published()
select partition, published from partition order by partition;

-- name: relay_registered_events(partitions, sequences)
-- For one sequence of each partition: the partition's last sequence, and the id of the event, NULL if there is none.
select asked.partition, p.last_sequence, e.id::text as id
  from unnest(:partitions::smallint[], :sequences::bigint[]) as asked (partition, sequence)
  join partition as p using (partition)
  left join event as e on e.partition = asked.partition and e.sequence = asked.sequence;

-- name: relay_store_refusal(reason, lease, term)!
-- Stores the reason why the relay does not publish, NULL if it does.
update register set refused = :reason::text, refused_at = case when :reason::text is null then null else now() end
 where refused is distinct from :reason::text
   and exists (select 1 from lease where name = :lease and term = :term and until > clock_timestamp());

-- name: relay_refusal()$
select refused from register;
