"""The modules of a service, found by their files."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

from checks.surface.recordings import ROOT


class ForeignCodeError(RuntimeError):
    """The import path leads to another checkout."""


def import_all(service: str) -> None:
    """Import every module of a service, so that all it declares is known to this process.

    Migrations run when they are imported, and a folder of Cython sources needs a compiler: both are left out.
    """
    root = folder(service)
    for path in sorted(root.rglob("*.py")):
        if "migrations" in path.parts or any(path.parent.glob("*.pyx")):
            continue
        parts = path.relative_to(root).with_suffix("").parts
        importlib.import_module(".".join((service, *parts)).removesuffix(".__init__"))


def folder(service: str) -> Path:
    """Where a service's package lies; raises ForeignCode where that is outside of this checkout."""
    spec = find_spec(service)
    assert spec is not None, f"{service} is not on the import path"
    assert spec.origin is not None, f"{service} has no __init__.py"
    found = Path(spec.origin).parent
    if not found.is_relative_to(ROOT):
        raise ForeignCodeError(f"{service} comes from {found}, which is not this checkout: set PYTHONPATH")
    return found
