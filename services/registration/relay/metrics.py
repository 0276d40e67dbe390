"""Metrics of the relay."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

REFUSED: Final = Gauge(
    "relay_refused",
    "1 while nothing is published because the topic has events of another register (restored backup).",
)
REWINDS: Final = Counter(
    "relay_rewinds", "Rewinds of a partition, after which its events are sent again.", ["partition"]
)
COPIES: Final = Counter(
    "relay_copies",
    "Events sent again because of rewinds; the topic may still have some of them.",
    ["partition"],
)
STALLS: Final = Counter(
    "relay_stalls",
    "Inspections of the topic for a stalled partition, by the cause that they found.",
    ["cause"],
)
