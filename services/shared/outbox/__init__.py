"""Leases for leadership, and a publisher that sends the rows of a table to a topic in sequence order.

How a service uses this package:

* `outbox.postgres_leases.Lease(pool, name, new_holder())` is a lease, which at most one process holds. Its
  table is `ddl/lease.sql`; a migration gets it from `lease_ddl()`. Call `lease.renew` every `RENEW_EVERY_S`
  in a separate loop. Read `lease.term` before every write; it is None while this process does not lead.
  Call `await lease.release()` at a graceful stop. `lease.raise_term(above=n)` raises the term above a term
  that a topic already contains.
* `outbox.publisher.Publisher(source, lease, TopicChannel(topic, client_options, headers))` publishes the
  records of a source. Call `publish_once()` in a loop with a pause of about 25 ms, and `close()` at the end.
* `outbox.source.Source` is the interface to the table whose rows are published: `pending(records_max, skip)`
  and `advance(moves, term)`.
* `outbox.outbox_table.TableSource(pool, topic, lease_name)` is the source for a topic with one partition. A
  service appends records with `outbox.outbox_table.append(connection, topic, [(key, value), ...])` inside
  its own transactions. The tables are `ddl/table.sql`; a migration gets them from `table_ddl()`.
* `kafka.leader_producer.LeaderProducer(client_options, lease)` sends single records of a leader, as long as
  the leader's term lasts.
* `kafka.abandonable_producer.Producer` is an idempotent producer that can be abandoned without flushing.
"""
