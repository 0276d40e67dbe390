"""The modules of a service, found by their files."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

from checks.surface.recording import ROOT


def import_all(service: str) -> None:
    """Import every module of a service, so that all it declares is known to this process.

    Migrations run when they are imported, and a folder of Cython sources needs a compiler: both are left out.
    """
    for path in sorted(_folder(service).rglob("*.py")):
        if "migrations" in path.parts or any(path.parent.glob("*.pyx")):
            continue
        parts = path.relative_to(_folder(service)).with_suffix("").parts
        importlib.import_module(".".join((service, *parts)).removesuffix(".__init__"))


def _folder(service: str) -> Path:
    spec = find_spec(service)
    assert spec is not None, f"{service} is not on the import path"
    assert spec.origin is not None, f"{service} has no __init__.py"
    folder = Path(spec.origin).parent
    assert folder.is_relative_to(ROOT), f"{service} comes from {folder}, not from this checkout"
    return folder
