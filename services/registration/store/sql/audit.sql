-- The audit's queries. All except `audit_time`, `audit_day` and `audit_register` run in one REPEATABLE READ snapshot.

-- name: audit_epoch()$
select epoch from register;

-- name: audit_last_sequences()
select last_sequence from partition order by partition;

-- name: audit_standings()
-- Returns the number of registered participants of each standing. Withdrawn and merged participants are not counted.
select region, agency, campaign, steps, stock, count(*) as participants
  from participant where standing = 'registered'
 group by region, agency, campaign, steps, stock;

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

-- name: audit_time()$
-- The time by the database's clock.
select now();

-- name: audit_day()^
-- The current day in Jakarta, and the register's epoch. In its first ten seconds a day does not count as current,
-- because a transaction that began before midnight may still commit events.
select ((now() - interval '10 seconds') at time zone 'Asia/Jakarta')::date as day, epoch from register;

-- name: audit_day_start(day)
-- Returns per partition the last sequence that was recorded before the day. The search goes backwards from the last
-- event, so it reads only the day's events.
select coalesce((
    select sequence from event
     where event.partition = partition.partition
       and recorded_at < :day::date::timestamp at time zone 'Asia/Jakarta'
     order by sequence desc limit 1), 0)
  from partition order by partition;

-- name: audit_register()^
-- Returns the register's state, read in one statement. `time` and `relay_alive` follow the database's clock.
select now() as time,
       (select array_agg(last_sequence order by partition) from partition) as last_sequence,
       (select array_agg(published order by partition) from partition) as published,
       epoch, refused,
       exists (select 1 from lease where name = 'relay' and until > clock_timestamp()) as relay_alive
  from register;
