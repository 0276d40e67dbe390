-- The event table as a source of the relay, in sequence order per partition.

-- name: relay_pending(records_max, skip)
-- What lies above the stored position of each partition, from one snapshot.
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
-- Partitions are locked in ascending order, as the writers do it: an UPDATE ... FROM locks in any order.
-- FOR SHARE: a take-over that commits in between is seen, and none can commit before this statement is through.
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
-- Send again from above a position; the number of rows that went back.
with held as materialized (
    select 1 from lease where name = :lease and term = :term and until > clock_timestamp() for share
), moved as (
    update partition set published = :position, published_term = :term from held
     where partition = :partition and published > :position returning 1
)
select count(*) from moved;

-- name: relay_published()
select partition, published from partition order by partition;

-- name: relay_known(partitions, sequences)
-- What the register has to say about a sequence of each partition.
select asked.partition, p.last_sequence, e.id::text as id
  from unnest(:partitions::smallint[], :sequences::bigint[]) as asked (partition, sequence)
  join partition as p using (partition)
  left join event as e on e.partition = asked.partition and e.sequence = asked.sequence;

-- name: relay_refuse(reason, lease, term)!
-- Write down why nothing is sent, or that it is (NULL).
update register set refused = :reason::text, refused_at = case when :reason::text is null then null else now() end
 where refused is distinct from :reason::text
   and exists (select 1 from lease where name = :lease and term = :term and until > clock_timestamp());

-- name: relay_refused()$
select refused from register;
