"""Leases for leadership, and publishing a table to a topic in sequence order.

How a service uses this package:

* `outbox.postgres_leases.Lease(pool, name, new_holder())` is a lease: at most one process holds it. Its
  table is `ddl/lease.sql` (`lease_ddl()` for a migration). Run `lease.renew` every `RENEW_EVERY_S` in a
  loop of its own, read `lease.term` (None: not leading) before every write, and `await lease.release()` at
  a graceful stop. `lease.raise_term(above=n)` raises the term above a term that a topic already contains.
* `outbox.publisher.Publisher(source, lease, TopicChannel(topic, client_options, headers))` publishes a
  source: call `publish_once()` in a loop with a pause of some 25 ms, and `close()` at the end.
* `outbox.source.Source` is the port to the published table: `pending(records_max, skip)` and
  `advance(moves, term)`.
* `outbox.outbox_table.TableSource(pool, topic, lease_name)` is the source for a topic with one partition. A
  service appends records with `outbox.outbox_table.append(connection, topic, [(key, value), ...])` inside
  its own transactions; the tables are `ddl/table.sql` (`table_ddl()`).
* `outbox.leader_producer.LeaderProducer(client_options, lease)` sends single records of a leader, fenced by
  its term.
* `outbox.abandonable_producer.Producer` is an idempotent producer that can be abandoned without flushing.
"""
