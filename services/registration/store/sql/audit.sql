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

-- name: audit_events_in(partitions, firsts, lasts)
-- Returns the quarantined events, which are given as ranges of sequences. The cut has not counted them, although
-- its positions are at or above their sequences. The join compares whole keys, so that no plan needs quadratic
-- time: with a comparison of ranges, PostgreSQL hashes by partition alone while `event` has no statistics.
select e.value
  from unnest(:partitions::smallint[], :firsts::bigint[], :lasts::bigint[]) as quarantined (partition, first, last)
  join partition as p on p.partition = quarantined.partition
 cross join generate_series(quarantined.first, least(quarantined.last, p.last_sequence)) as number (sequence)
  join event as e on e.partition = quarantined.partition and e.sequence = number.sequence;

-- name: audit_register()^
-- Returns the register's state, read in one statement. `time` and `relay_alive` follow the database's clock.
select now() as time,
       (select array_agg(last_sequence order by partition) from partition) as last_sequence,
       (select array_agg(published order by partition) from partition) as published,
       epoch, refused,
       exists (select 1 from lease where name = 'relay' and until > clock_timestamp()) as relay_alive
  from register;
