"""Metrics of the API and the intake. Every label has a closed set of values, such as routes or reasons."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

OPERATIONS: Final = Counter(
    "registration_operations",
    "Requests that change the register, by route and outcome.",
    ["route", "outcome"],
)
BATCH_ROWS: Final = Histogram(
    "registration_batch_rows",
    "Operations written in one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
)
BATCH_SECONDS: Final = Histogram(
    "registration_batch_seconds",
    "Duration of one transaction of the intake, from begin to commit.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
BATCH_FAILURES: Final = Counter(
    "registration_batch_failures", "Transactions of the intake that failed, by kind of failure.", ["failure"]
)
WAITED_SECONDS: Final = Histogram(
    "registration_waited_seconds",
    "Time from a request's arrival in the queue to its answer.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
QUEUE_LENGTH: Final = Gauge("registration_queue_length", "Requests that wait to be written.")
OVERLOADED: Final = Counter("registration_overloaded", "Requests answered 503, by reason.", ["reason"])
LIMITED: Final = Counter(
    "registration_limited",
    "Requests without an access key answered 429, by limit: per address, venue or NIK.",
    ["limit"],
)
REJECTIONS_DELETED: Final = Counter(
    "registration_import_rejections_deleted", "Deleted rejections of imports that ended long ago."
)
REJECTED_CELLS_DELETED: Final = Counter(
    "registration_import_rejected_cells_deleted", "Rejected rows of imports whose cells were deleted."
)
KEYS_DELETED: Final = Counter(
    "registration_idempotency_deleted", "Expired idempotency keys that were deleted."
)
