"""Leadership as a leased row, and a table published to a topic in sequence order.

What a service builds from this package:

* `outbox.lease.Lease(pool, name, new_holder())`: at most one holder at a time. The table is `ddl/lease.sql`
  (`lease_ddl()` for a migration). Run `lease.renew` every `RENEW_EVERY_S` in a loop of its own, ask
  `lease.term` (None: not leading) before every write, `await lease.release()` at a graceful stop.
  `lease.lift(above=n)` raises the term above one that a topic already shows.
* `outbox.publishing.Publisher(source, lease, Channel(topic, client_options, headers))`: call `once()` in a
  loop with a pause of some 25 ms, `close()` at the end.
* `outbox.publishing.Source`: what is published: `pending(records_max, skip)` and `advance(moves, term)`.
* `outbox.table.TableSource(pool, topic, lease_name)`: a source for a topic of one partition, whose records
  are appended by `outbox.table.append(connection, topic, [(key, value), ...])` inside the service's own
  transactions; its tables are `ddl/table.sql` (`table_ddl()`).
* `outbox.producing.Producer`: an idempotent producer that can be abandoned without flushing, with
  `send_one` for leaders that write single records.
"""
