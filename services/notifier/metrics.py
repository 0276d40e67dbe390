"""The notifier's metrics; docs/metrics.md describes each metric."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

CROSSINGS: Final = Counter("notifier_crossings", "Thresholds latched, by rule.", ["rule"])
ATTEMPTS: Final = Counter(
    "notifier_attempts", "Attempts that ended, by channel and delivery reason.", ["channel", "reason"]
)
ENDED: Final = Counter(
    "notifier_messages_ended", "Messages that ended, by channel and state.", ["channel", "state"]
)
OPEN: Final = Gauge("notifier_messages_open", "Messages that have not ended, by state.", ["state"])
TAKEN_OVER: Final = Counter(
    "notifier_jobs_taken_over",
    "Messages that were claimed again after the claim of a dead process had expired.",
)
WEBHOOKS_DISABLED: Final = Gauge(
    "notifier_webhooks_disabled", "Webhooks that answered 410 Gone and are not called."
)
SEND_S: Final = Histogram(
    "notifier_send_seconds",
    "Duration of an attempt, by channel.",
    ["channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CROSSING_TO_DELIVERY_S: Final = Histogram(
    "notifier_told_seconds",
    "Time from the crossing to the delivery, by channel.",
    ["channel"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1800),
)
EVALUATE_S: Final = Histogram(
    "notifier_evaluate_seconds",
    "Duration of a cut's evaluation, including the transaction that stores its crossings.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
AUDIT_ERRORS: Final = Gauge(
    "notifier_audit_errors", "Errors that the last audit of latches and receipts found, by kind.", ["kind"]
)
AUDIT_LAST: Final = Gauge(
    "notifier_audit_last_seconds", "Time of the last audit of latches and receipts; 0 before the first."
)
CUTS: Final = Counter(
    "notifier_cut_records", "Records of region-counts that were read, by result.", ["reason"]
)
