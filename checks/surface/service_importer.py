"""Finds and imports all modules of a service."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

from checks.surface.recordings import ROOT


class ForeignCodeError(RuntimeError):
    """Python would import a service from another checkout."""


def import_all(service: str) -> None:
    """Import every module of a service, so that its metrics and settings are declared in this process.

    Migrations are skipped, because an import would run them. Folders with Cython are skipped, because they
    need a compiler.
    """
    root = folder(service)
    for path in sorted(root.rglob("*.py")):
        if "migrations" in path.parts or any(path.parent.glob("*.pyx")):
            continue
        parts = path.relative_to(root).with_suffix("").parts
        importlib.import_module(".".join((service, *parts)).removesuffix(".__init__"))


def folder(service: str) -> Path:
    """Return the folder of a service's package. Raises ForeignCodeError if it is outside this checkout."""
    spec = find_spec(service)
    assert spec is not None, f"{service} is not on the import path"
    assert spec.origin is not None, f"{service} has no __init__.py"
    found = Path(spec.origin).parent
    if not found.is_relative_to(ROOT):
        raise ForeignCodeError(f"{service} is imported from {found}, outside this checkout: set PYTHONPATH")
    return found
