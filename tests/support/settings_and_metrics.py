"""Collects the settings classes and metrics that the services' code declares."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from settings.loader import Settings
from tests.support.contract_documents import ROOT

SERVICES = ROOT / "services"
METRIC_TYPES = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram", "Summary": "summary"}


@dataclass(frozen=True)
class Metric:
    """A metric as /metrics exposes it."""

    name: str
    type: str
    labels: tuple[str, ...]


def settings_classes() -> list[type[Settings]]:
    """Return every settings class of the services; a class without a prefix is the base of others."""
    for path in sources():
        if any(
            isinstance(node, ast.ClassDef) and bases(node) & {"Settings", "DatabaseSettings", "OwnerSettings"}
            for node in ast.walk(parsed(path))
        ):
            importlib.import_module(module_name(path))
    return [found for found in subclasses(Settings) if found.model_config.get("env_prefix")]


def metrics() -> list[Metric]:
    """Return every metric that the services declare."""
    return [
        metric(node)
        for path in sources()
        if "prometheus_client" in path.read_text("utf-8")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in METRIC_TYPES
        if node.args and isinstance(node.args[0], ast.Constant)
    ]


def metric(call: ast.Call) -> Metric:
    """Return the metric declared by a call such as Counter("x", "…", ["label"])."""
    assert isinstance(call.func, ast.Name)
    name, kind = str(ast.literal_eval(call.args[0])), METRIC_TYPES[call.func.id]
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    labels = call.args[2] if len(call.args) > 2 else keywords.get("labelnames")
    names = tuple(ast.literal_eval(labels)) if labels is not None else ()
    return Metric(f"{name.removesuffix('_total')}_total" if kind == "counter" else name, kind, names)


def sources() -> list[Path]:
    """Return the files of the services' modules, except migrations."""
    return [path for path in sorted(SERVICES.rglob("*.py")) if "migrations" not in path.parts]


def parsed(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text("utf-8"))


def bases(node: ast.ClassDef) -> set[str]:
    """Return the names of a class's base classes."""
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def module_name(path: Path) -> str:
    """Return the import name of a module."""
    return ".".join(path.relative_to(SERVICES).with_suffix("").parts).removesuffix(".__init__")


def subclasses(base: type[Settings]) -> Iterator[type[Settings]]:
    """Yield all direct and indirect subclasses, except those that tests define."""
    for found in base.__subclasses__():
        if not found.__module__.startswith("tests"):
            yield found
        yield from subclasses(found)
