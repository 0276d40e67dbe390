-- What the audit reads. The first four run in one REPEATABLE READ snapshot.

-- name: audit_epoch()$
SELECT epoch FROM register;

-- name: audit_last_sequences()
SELECT last_sequence FROM partition ORDER BY partition;

-- name: audit_standings()
-- How many participants stand where; withdrawn and merged ones count nowhere.
SELECT region, agency, campaign, steps, count(*) AS participants
  FROM participant WHERE standing = 'registered'
 GROUP BY region, agency, campaign, steps;

-- name: audit_events_between(positions, last_sequences)
-- Events above the positions of the cut, up to the snapshot's: counted by the register, not yet by the cut.
SELECT e.value
  FROM unnest(:positions::bigint[], :last_sequences::bigint[]) WITH ORDINALITY AS span (position, last, n)
  JOIN event AS e ON e.partition = span.n - 1 AND e.sequence > span.position AND e.sequence <= span.last;

-- name: audit_events_at(partitions, sequences)
-- Events that the cut moved over without counting them.
SELECT e.value
  FROM unnest(:partitions::smallint[], :sequences::bigint[]) AS passed (partition, sequence)
  JOIN event AS e USING (partition, sequence);

-- name: audit_register()^
-- Where the register stands, by the database's clock, in one statement.
SELECT now() AS time,
       (SELECT array_agg(last_sequence ORDER BY partition) FROM partition) AS last_sequence,
       (SELECT array_agg(published ORDER BY partition) FROM partition) AS published,
       epoch, refused,
       EXISTS (SELECT 1 FROM lease WHERE name = 'relay' AND until > clock_timestamp()) AS relay_alive
  FROM register;
