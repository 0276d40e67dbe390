"""Builds the graph of imports between the modules of a package, and between its rooms.

A room is a top-level package or module of the package.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.structure.source_tree import Module, Package

Arrow = tuple[str, str]
"""An import: the importing name and the imported name."""


@dataclass(frozen=True)
class Graph:
    """Names and the imports between them; no name imports itself."""

    names: frozenset[str]
    arrows: frozenset[Arrow]

    def targets(self, name: str) -> list[str]:
        """Return the names that `name` imports."""
        return sorted(imported for importer, imported in self.arrows if importer == name)

    def leaves(self) -> frozenset[str]:
        """Return the names that import no other name of the graph."""
        return self.names - {importer for importer, _ in self.arrows}


def module_graph(package: Package) -> Graph:
    """Return the imports between a package's modules, including those in functions and for type checking."""
    known = frozenset(module.name for module in package.modules)
    arrows = {
        (module.name, imported)
        for module in package.modules
        for name in imported_names(module)
        if (imported := _known_prefix(name, known)) and imported != module.name
    }
    return Graph(known, frozenset(arrows))


def room_graph(package: Package, modules: Graph) -> Graph:
    """Return the imports between rooms. The package's own `__init__` is a room only if it has imports."""
    arrows = {(room(importer), room(imported)) for importer, imported in modules.arrows}
    names = {room(name) for name in modules.names if name != package.name}
    arrows = {(importer, imported) for importer, imported in arrows if importer != imported}
    return Graph(frozenset(names.union(*arrows)), frozenset(arrows))


def room(module: str) -> str:
    """Return the room of a module as `package.room`."""
    return ".".join((*module.split("."), "__init__")[:2])


def imported_names(module: Module) -> Iterator[str]:
    """Yield the dotted names that a module imports; each ends with the name of the imported object."""
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def names_in_module(module: Module) -> Mapping[str, str]:
    """Return the local names that imports bind, each with the dotted name of its object."""
    bound: dict[str, str] = {}
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Import):
            # `import a.b` binds `a`, `import a.b as c` binds `c` to a.b.
            bound |= {alias.name.partition(".")[0]: alias.name.partition(".")[0] for alias in node.names}
            bound |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            bound |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    return bound


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    up = node.level - (module.path.name == "__init__.py")
    kept = parts[: len(parts) - up]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _known_prefix(name: str, known: frozenset[str]) -> str | None:
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in known), None)


def cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of two or more names that import each other, directly or indirectly."""
    return sorted(sorted(group) for group in _components(graph) if len(group) > 1)


def level_count(graph: Graph) -> int:
    """Return the number of names in the longest chain of imports; a cycle counts as one name."""
    groups = _components(graph)
    group_of = {name: number for number, group in enumerate(groups) for name in group}
    height = [1] * len(groups)
    for number, group in enumerate(groups):  # a group comes after the groups that it imports
        below = {group_of[target] for name in group for target in graph.targets(name)} - {number}
        height[number] = 1 + max((height[other] for other in below), default=0)
    return max(height, default=0)


def _components(graph: Graph) -> Sequence[Sequence[str]]:
    """Return the strongly connected components, each after the components that it imports (Tarjan 1972)."""
    targets = {name: graph.targets(name) for name in graph.names}
    return _Search(targets).components(sorted(graph.names))


class _Search:
    def __init__(self, targets: Mapping[str, Iterable[str]]) -> None:
        self._targets = targets
        self._found: list[list[str]] = []
        self._number: dict[str, int] = {}
        self._lowest: dict[str, int] = {}
        self._open: list[str] = []

    def components(self, names: Iterable[str]) -> list[list[str]]:
        for name in names:
            if name not in self._number:
                self._visit(name)
        return self._found

    def _visit(self, name: str) -> None:
        self._number[name] = self._lowest[name] = len(self._number)
        self._open.append(name)
        for target in self._targets[name]:
            if target not in self._number:
                self._visit(target)
                self._lowest[name] = min(self._lowest[name], self._lowest[target])
            elif target in self._open:
                self._lowest[name] = min(self._lowest[name], self._number[target])
        if self._lowest[name] == self._number[name]:
            start = self._open.index(name)
            self._found.append(self._open[start:])
            del self._open[start:]
