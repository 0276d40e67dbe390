-- name: append(topic, keys, record_values)!
-- Assign sequences to the records and insert them. The topic's row stays locked until the commit.
with raised as (
    insert into outbox as topics (topic, last_sequence) values (:topic, cardinality(:keys::text[]))
    on conflict (topic) do update set last_sequence = topics.last_sequence + excluded.last_sequence
    returning last_sequence - cardinality(:keys::text[]) as before
)
insert into outbox_record (topic, sequence, key, value)
select :topic, before + n, key, replace(value, '{sequence}', (before + n)::text)
  from raised, unnest(:keys::text[], :record_values::text[]) with ordinality as added (key, value, n);

-- name: pending(topic, records_max)
-- The next records above the topic's published position, each with that position.
select published, sequence, key, value
  from outbox join outbox_record using (topic)
 where topic = :topic and sequence > published
 order by sequence limit :records_max;

-- name: advance(topic, expected, target, lease, term)$
-- Move the position from `expected` to `target` if the lease still has the term `term`.
-- FOR SHARE locks the lease's row: if a change of holder has committed before, the statement sees it, and a
-- later change of holder waits until this transaction has ended.
-- Deletes the records whose key has a newer published record, as the compaction of the topic does. So the table
-- has one published record per key, and the topic can be written again from it.
with held as materialized (
    select 1 from lease where name = :lease and term = :term and until > clock_timestamp() for share
), moved as (
    update outbox set published = :target from held where topic = :topic and published = :expected returning 1
), deleted as (
    delete from outbox_record as older using moved, outbox_record as newer
     where newer.topic = :topic and newer.sequence > :expected and newer.sequence <= :target
       and older.topic = :topic and older.key = newer.key and older.sequence < newer.sequence
)
select count(*) from moved;

-- name: published_records(topic)$
select published - topic_start from outbox where topic = :topic;

-- name: begin_topic_again(topic, lease, term)$
-- Let the topic's content begin after the published sequence, if the lease still has the term `term`.
with held as materialized (
    select 1 from lease where name = :lease and term = :term and until > clock_timestamp() for share
), begun as (
    update outbox set topic_start = published from held where topic = :topic returning 1
)
select count(*) from begun;
