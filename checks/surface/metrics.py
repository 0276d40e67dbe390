"""Reads the metrics that a process declares: names, types, label names and buckets."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase


def declared(registry: CollectorRegistry = REGISTRY) -> dict[str, Any]:
    """Return the metrics by their names in the exposition format.

    The client library's metrics on process, platform and garbage collection are left out.
    """
    # The registry exposes a metric with labels only once it has a value, so this reads the collectors.
    collectors = {
        id(collector): collector
        for collector in registry._collector_to_names
        if isinstance(collector, MetricWrapperBase)
    }
    return dict(sorted(_described(collector) for collector in collectors.values()))


def _described(collector: MetricWrapperBase) -> tuple[str, dict[str, Any]]:
    kind = collector._type
    name = f"{collector._name}_total" if kind == "counter" else collector._name
    described: dict[str, Any] = {"type": kind, "labels": list(collector._labelnames)}
    if kind == "histogram":
        # Bounds are strings, because JSON has no infinity.
        described["buckets"] = [str(bound) for bound in collector._kwargs.get("buckets", ())] or "default"
    return name, described
