-- The event table as a source of the relay, in sequence order per partition.

-- name: relay_pending(records_max, skip)
-- What lies above the stored position of each partition, from one snapshot.
SELECT p.partition, p.published, e.sequence, e.key, e.value
  FROM partition AS p
 CROSS JOIN LATERAL (
       SELECT sequence, convert_to(participant_id::text, 'UTF8') AS key, convert_to(value, 'UTF8') AS value
         FROM event
        WHERE event.partition = p.partition AND event.sequence > p.published
        ORDER BY event.sequence
        LIMIT :records_max
       ) AS e
 WHERE p.published < p.last_sequence AND p.partition <> ALL (:skip::smallint[])
 ORDER BY p.partition, e.sequence;

-- name: relay_advance(partitions, expected, targets, lease, term)$
-- Partitions are locked in ascending order, as the writers do it: an UPDATE ... FROM locks in any order.
-- FOR SHARE: a take-over that commits in between is seen, and none can commit before this statement is through.
WITH held AS MATERIALIZED (
    SELECT 1 FROM lease WHERE name = :lease AND term = :term AND until > clock_timestamp() FOR SHARE
), locked AS MATERIALIZED (
    SELECT p.partition FROM partition AS p, held
     WHERE p.partition = ANY (:partitions::smallint[])
     ORDER BY p.partition FOR UPDATE OF p
), moved AS (
    UPDATE partition AS p SET published = m.target, published_term = :term
      FROM unnest(:partitions::smallint[], :expected::bigint[], :targets::bigint[]) AS m (partition, expected, target)
      JOIN locked USING (partition)
     WHERE p.partition = m.partition AND p.published = m.expected
    RETURNING 1
)
SELECT count(*) FROM moved;

-- name: relay_rewind(partition, position, lease, term)$
-- Send again from above a position; the number of rows that went back.
WITH held AS MATERIALIZED (
    SELECT 1 FROM lease WHERE name = :lease AND term = :term AND until > clock_timestamp() FOR SHARE
), moved AS (
    UPDATE partition SET published = :position, published_term = :term FROM held
     WHERE partition = :partition AND published > :position RETURNING 1
)
SELECT count(*) FROM moved;

-- name: relay_published()
SELECT partition, published FROM partition ORDER BY partition;

-- name: relay_known(partitions, sequences)
-- What the register has to say about a sequence of each partition.
SELECT asked.partition, p.last_sequence, e.id::text AS id
  FROM unnest(:partitions::smallint[], :sequences::bigint[]) AS asked (partition, sequence)
  JOIN partition AS p USING (partition)
  LEFT JOIN event AS e ON e.partition = asked.partition AND e.sequence = asked.sequence;

-- name: relay_refuse(reason, lease, term)!
-- Write down why nothing is sent, or that it is (NULL).
UPDATE register SET refused = :reason::text, refused_at = CASE WHEN :reason::text IS NULL THEN NULL ELSE now() END
 WHERE refused IS DISTINCT FROM :reason::text
   AND EXISTS (SELECT 1 FROM lease WHERE name = :lease AND term = :term AND until > clock_timestamp());

-- name: relay_refused()$
SELECT refused FROM register;
