"""The board's metrics; docs/metrics.md describes each metric."""

from __future__ import annotations

from math import nan
from typing import Final

from prometheus_client import Counter, Gauge

CUTS: Final = Counter("board_cuts", "Records of region-counts that were read, by result.", ["reason"])
VIEWERS: Final = Gauge("board_viewers", "Open streams.")
REFUSED: Final = Counter("board_viewers_refused", "Streams refused because too many were open.")
EVENTS: Final = Counter(
    "board_events_encoded", "Events encoded; viewers with the same progress share one.", ["event"]
)
STATE: Final = Gauge("board_state", "1 for the freshness that the page shows, 0 for the others.", ["state"])
AGE: Final = Gauge(
    "board_as_of_age_seconds", "Age of the newest register state that the shown cut has reached."
)
COVERAGE: Final = Gauge("board_coverage_ratio", "Counted events divided by accepted events.")
DRIFT: Final = Gauge("board_audit_drift", "Unexplained drift that the last audit found.")

# A board that has read no audit knows no drift.
DRIFT.set(nan)
