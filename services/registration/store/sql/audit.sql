-- What the audit reads. The first four run in one REPEATABLE READ snapshot.

-- name: audit_epoch()$
select epoch from register;

-- name: audit_last_sequences()
select last_sequence from partition order by partition;

-- name: audit_standings()
-- How many participants stand where; withdrawn and merged ones count nowhere.
select region, agency, campaign, steps, count(*) as participants
  from participant where standing = 'registered'
 group by region, agency, campaign, steps;

-- name: audit_events_between(positions, last_sequences)
-- Events above the positions of the cut, up to the snapshot's: counted by the register, not yet by the cut.
select e.value
  from unnest(:positions::bigint[], :last_sequences::bigint[]) with ordinality as span (position, last, n)
  join event as e on e.partition = span.n - 1 and e.sequence > span.position and e.sequence <= span.last;

-- name: audit_events_at(partitions, sequences)
-- Events that the cut moved over without counting them.
select e.value
  from unnest(:partitions::smallint[], :sequences::bigint[]) as passed (partition, sequence)
  join event as e using (partition, sequence);

-- name: audit_register()^
-- Where the register stands, by the database's clock, in one statement.
select now() as time,
       (select array_agg(last_sequence order by partition) from partition) as last_sequence,
       (select array_agg(published order by partition) from partition) as published,
       epoch, refused,
       exists (select 1 from lease where name = 'relay' and until > clock_timestamp()) as relay_alive
  from register;
