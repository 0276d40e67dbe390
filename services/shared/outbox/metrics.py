"""The metrics of leases and publishers."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

LEASE_HELD: Final = Gauge("lease_held", "1 while this process leads", ["lease"])
LEASE_TERM: Final = Gauge("lease_term", "Term this process leads in, 0 while it does not", ["lease"])
PUBLISHED: Final = Counter("outbox_published_records_total", "Records acknowledged by the broker", ["outbox"])
ROUNDS: Final = Counter("outbox_rounds_total", "Rounds of the publisher", ["outbox", "outcome"])
ACKNOWLEDGED: Final = Histogram(
    "outbox_acknowledged_seconds",
    "From handing a round's batches to the producer to their acknowledgement",
    ["outbox"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
)
