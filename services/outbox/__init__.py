"""Leadership as a leased row, and a table published to a topic in sequence order.

What a service builds from this package:

* `outbox.lease.Lease(pool, name, holder)`: at most one holder at a time; the table is `lease.sql`
  (`lease_ddl()`). Run `lease.renew` once a second in a loop of its own; ask `lease.term` before every
  write.
* `outbox.publishing.Publisher(source, lease, channel)`: `once()` in a loop publishes what is next;
  `close()` at the end.
* `outbox.publishing.Source`: what is published. `outbox.table.TableSource` is one for a topic of one
  partition whose records are appended by `outbox.table.append` inside the service's own transactions
  (`table_ddl()`).
* `outbox.producing.Producer`: an idempotent producer that can be abandoned without flushing; fit for other
  leaders too.
"""
