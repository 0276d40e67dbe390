-- name: append(topic, keys, record_values)!
-- Number the records and add them; the topic's row stays locked until the commit.
WITH raised AS (
    INSERT INTO outbox AS topics (topic, last_sequence) VALUES (:topic, cardinality(:keys::text[]))
    ON CONFLICT (topic) DO UPDATE SET last_sequence = topics.last_sequence + excluded.last_sequence
    RETURNING last_sequence - cardinality(:keys::text[]) AS before
)
INSERT INTO outbox_record (topic, sequence, key, value)
SELECT :topic, before + n, key, replace(value, '{sequence}', (before + n)::text)
  FROM raised, unnest(:keys::text[], :record_values::text[]) WITH ORDINALITY AS added (key, value, n);

-- name: pending(topic, records_max)
SELECT published, sequence, key, value
  FROM outbox JOIN outbox_record USING (topic)
 WHERE topic = :topic AND sequence > published
 ORDER BY sequence LIMIT :records_max;

-- name: advance(topic, expected, target, lease, term)$
-- FOR SHARE: a take-over that commits in between is seen, and none can commit before this statement is through.
WITH held AS MATERIALIZED (
    SELECT 1 FROM lease WHERE name = :lease AND term = :term AND until > clock_timestamp() FOR SHARE
), moved AS (
    UPDATE outbox SET published = :target FROM held WHERE topic = :topic AND published = :expected RETURNING 1
)
SELECT count(*) FROM moved;
