"""Reads the layers contracts that pyproject.toml declares for import-linter; finds imports that go upward."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from checks.structure.import_graph import Arrow, Graph, room

SIBLINGS: Final = re.compile(r"\s*[|:]\s*")


@dataclass(frozen=True)
class Layers:
    """A layers contract: the module names of each layer, highest layer first.

    Format: https://import-linter.readthedocs.io/en/stable/contract_types/layers/
    """

    name: str
    layers: tuple[frozenset[str], ...]

    def layer_of(self, module: str) -> int | None:
        """Return the layer (0: highest) of the module, or else of its nearest package in a layer; or None."""
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            prefix = ".".join(parts[:length])
            for number, layer in enumerate(self.layers):
                if prefix in layer:
                    return number
        return None

    def concerns(self, package: str) -> bool:
        """Return whether the contract names modules of this package."""
        return any(name.partition(".")[0] == package for layer in self.layers for name in layer)


def read_layers(root: Path) -> tuple[Layers, ...]:
    """Return the layers contracts of a checkout; empty if it has no pyproject.toml."""
    file = root / "pyproject.toml"
    if not file.exists():
        return ()
    linter = tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("importlinter", {})
    return tuple(
        Layers(contract["name"], tuple(_names(layer, container) for layer in contract["layers"]))
        for contract in linter.get("contracts", ())
        if contract["type"] == "layers"
        for container in contract.get("containers", [""])
    )


def _names(layer: Any, container: str) -> frozenset[str]:
    names: Iterable[str] = SIBLINGS.split(layer) if isinstance(layer, str) else layer
    bare = (name.strip().removeprefix("(").removesuffix(")") for name in names)
    return frozenset(f"{container}.{name}" if container else name for name in bare)


def upward(layers: Layers, modules: Graph) -> Sequence[Arrow]:
    """Return the imports between rooms in which a lower layer imports a higher layer."""
    found = {
        (room(importer), room(imported))
        for importer, imported in modules.arrows
        if _goes_up(layers.layer_of(importer), layers.layer_of(imported))
    }
    return sorted(found)


def _goes_up(importer: int | None, imported: int | None) -> bool:
    return importer is not None and imported is not None and imported < importer


def contract_of(package: str, contracts: Iterable[Layers]) -> Layers | None:
    """Return the first contract that names modules of the package; None if there is no such contract."""
    return next((contract for contract in contracts if contract.concerns(package)), None)


def unlayered(layers: Layers, rooms: Graph) -> Sequence[str]:
    """Return the rooms that are in no layer of the contract."""
    return sorted(name for name in rooms.names if layers.layer_of(name) is None)
