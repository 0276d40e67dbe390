"""Leadership as a leased row, and a table published to a topic in sequence order.

What a service builds from this package:

* `outbox.lease.Lease(pool, name, new_holder())`: at most one holder at a time. The table is `ddl/lease.sql`
  (`lease_ddl()` for a migration). Run `lease.renew` every `RENEW_EVERY_S` in a loop of its own, ask
  `lease.term` (None: not leading) before every write, `await lease.release()` at a graceful stop.
  `lease.lift(above=n)` raises the term above one that a topic already shows.
* `outbox.publisher.Publisher(source, lease, Channel(topic, client_options, headers))`: call `once()` in a
  loop with a pause of some 25 ms, `close()` at the end.
* `outbox.publisher.Source`: what is published: `pending(records_max, skip)` and `advance(moves, term)`.
* `outbox.table_source.TableSource(pool, topic, lease_name)`: a source for a topic of one partition. A service
  appends its records by `outbox.table_source.append(connection, topic, [(key, value), ...])` inside its own
  transactions; the tables are `ddl/table.sql` (`table_ddl()`).
* `outbox.leader_producer.Wire(client_options, lease)`: sends a leader's single records, fenced by its term.
* `outbox.producer.Producer`: an idempotent producer that can be abandoned without flushing, with
  `send_one` for leaders that write single records.
"""
