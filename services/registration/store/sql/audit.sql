-- The audit's queries. All except `audit_register` run in one REPEATABLE READ snapshot.

-- name: audit_epoch()$
select epoch from register;

-- name: audit_last_sequences()
select last_sequence from partition order by partition;

-- name: audit_standings()
-- Returns the number of registered participants of each standing. Withdrawn and merged participants are not counted.
select region, agency, campaign, steps, count(*) as participants
  from participant where standing = 'registered'
 group by region, agency, campaign, steps;

-- name: audit_events_between(positions, last_sequences)
-- Returns the events that the standings of the snapshot include and the cut does not. Their sequences are above the
-- cut's position and at most the last sequence of the snapshot.
select e.value
  from unnest(:positions::bigint[], :last_sequences::bigint[]) with ordinality as span (position, last, n)
  join event as e on e.partition = span.n - 1 and e.sequence > span.position and e.sequence <= span.last;

-- name: audit_events_at(partition, sequences)
-- Returns events of one partition. The sequences are a list, because the plan of a join with ranges depends on
-- statistics, which a new table does not have; some plans take quadratic time.
select value from event where partition = :partition and sequence = any(:sequences::bigint[]);

-- name: audit_register()^
-- Returns the register's state, read in one statement. `time` and `relay_alive` follow the database's clock.
select now() as time,
       (select array_agg(last_sequence order by partition) from partition) as last_sequence,
       (select array_agg(published order by partition) from partition) as published,
       epoch, refused,
       exists (select 1 from lease where name = 'relay' and until > clock_timestamp()) as relay_alive
  from register;
