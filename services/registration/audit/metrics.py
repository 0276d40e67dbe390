"""Metrics of the audit."""

from __future__ import annotations

from math import nan
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

DRIFT: Final = Gauge("audit_drift", "Sum of all differences between the last audited cut and the register.")
AUDITS: Final = Counter("audit_runs", "Audits, by outcome.", ["outcome"])
AUDIT_SECONDS: Final = Histogram(
    "audit_seconds", "Duration of an audit.", buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 120)
)
GROWTH_DRIFT: Final = Gauge(
    "audit_growth_drift", "Sum of all differences between published minutes and the register."
)
MINUTES_AUDITED: Final = Counter(
    "audit_minutes", "Published minutes, by the outcome of their audit.", ["outcome"]
)
AUDITED_AT: Final = Gauge("audit_last_seconds", "Time of the last audit, in seconds since 1970.")
LAG_EVENTS: Final = Gauge("audit_lag_events", "Accepted events that the newest cut has not counted.")
LAG_STANDING: Final = Gauge(
    "audit_lag_standing_seconds",
    "The longest time for which the position of a lagging partition has not moved.",
)

# A process that has not audited knows no drift. Prometheus ignores NaN in `max` beside a number.
DRIFT.set(nan)
GROWTH_DRIFT.set(nan)
