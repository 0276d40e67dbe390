"""The names of the relay's and the audit's metrics."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REFUSED: Final = Gauge(
    "relay_refused", "1 while nothing is sent because the topic is not this register's (restored register)."
)
REWINDS: Final = Counter("relay_rewinds", "Times a partition's events were sent again.", ["partition"])
DRIFT: Final = Gauge("audit_drift", "Sum of all differences between the last audited cut and the register.")
AUDITS: Final = Counter("audit_runs", "Audits, by what they came to.", ["outcome"])
AUDIT_SECONDS: Final = Histogram(
    "audit_seconds", "Duration of an audit.", buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 120)
)
AUDITED_AT: Final = Gauge("audit_last_seconds", "When the last audit was made, as seconds since 1970.")
LAG_EVENTS: Final = Gauge("audit_lag_events", "Accepted events that the newest cut has not counted.")
LAG_STANDING: Final = Gauge("audit_lag_standing_seconds", "For how long a partition that lags has not moved.")
