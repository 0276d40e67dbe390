"""Leases for leadership, the life of a leader, and a publisher of a table's rows in sequence order.

A new leader needs a step and a composition root:

* `outbox.postgres_leases.Lease(pool, name, new_holder())` is a lease, which at most one process holds. Its
  table is `ddl/lease.sql`; a migration gets it from `lease_ddl()`. `lease.term` is None while this process
  does not lead.
* `kafka.leader_producer.LeaderProducer(kafka, lease)` sends records, as long as the leader's term lasts.
* A step implements `outbox.leader.LeaderStep`: `take_over`, `lead_once` and `step_down`.
* `outbox.leader.Leader(lease, step, producer).run(stopping)` renews the lease, runs the step, and releases
  the lease at the stop. `outbox.leader.hold(lease, work)` holds a lease for one piece of work.

A table of records is published by a step of this package:

* `outbox.publisher.Publisher(source, TopicChannel(producer, topic, headers))` publishes the records of a
  source.
* `outbox.source.Source` is the interface to the table whose rows are published: `pending(records_max, skip)`
  and `advance(moves, term)`.
* `outbox.outbox_table.TableSource(pool, topic, lease_name)` is the source for a topic with one partition. A
  service appends records with `outbox.outbox_table.append(connection, topic, [(key, value), ...])` inside
  its own transactions. The tables are `ddl/table.sql`; a migration gets them from `table_ddl()`.
* `outbox.lost_topic.LostTopicStep(name, step, published, topic_end)` wraps the step of a leader whose topic
  can be published again from the database. `outbox.outbox_table.TableTopic` is its `published` for a table.
"""
