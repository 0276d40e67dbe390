"""The metrics that a process declares: names, types, label names and buckets."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase


def declared(registry: CollectorRegistry = REGISTRY) -> dict[str, Any]:
    """Each metric by its name in the exposition format.

    Collectors of process, platform and garbage collection are the client library's own and left out.
    """
    # The registry shows a metric with labels only once it has a value: the collectors have what is declared.
    collectors = {id(one): one for one in registry._collector_to_names if isinstance(one, MetricWrapperBase)}
    return dict(sorted(_described(one) for one in collectors.values()))


def _described(collector: MetricWrapperBase) -> tuple[str, dict[str, Any]]:
    kind = collector._type
    name = f"{collector._name}_total" if kind == "counter" else collector._name
    described: dict[str, Any] = {"type": kind, "labels": list(collector._labelnames)}
    if kind == "histogram":
        # As text: JSON has no infinity.
        described["buckets"] = [str(bound) for bound in collector._kwargs.get("buckets", ())] or "default"
    return name, described
