"""Finds calls that open pools, producers or consumers outside the composition roots."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks.structure.import_graph import names_in_module
from checks.structure.source_tree import Module, Package

CLIENT_LIBRARIES: Final = frozenset(
    {
        "asyncpg.connect",
        "asyncpg.create_pool",
        "aiokafka.AIOKafkaConsumer",
        "aiokafka.AIOKafkaProducer",
        "aiokafka.admin.AIOKafkaAdminClient",
    }
)
PROCESSES: Final = "processes"


@dataclass(frozen=True, order=True)
class Opening:
    """A call that opens a client."""

    path: Path
    line: int
    what: str


def openings_outside_roots(packages: Iterable[Package]) -> list[Opening]:
    """Return the calls that open a client, in modules of services outside processes/ and `__main__`.

    A call opens a client if what it calls is a class or function named in CLIENT_LIBRARIES, a subclass of
    such a class, or a function of a shared package that itself opens a client. Calls inside shared packages
    are not reported, because opening a client is the purpose of such a function.
    """
    packages = list(packages)
    openers = _openers(packages)
    found = (
        Opening(module.path, call.lineno, name)
        for package in packages
        if package.is_service
        for module in package.modules
        if not is_composition_root(module.path)
        for call, name in _calls(module.syntax, names_in_module(module), module.name)
        if name in openers
    )
    return sorted(found)


def is_composition_root(path: Path) -> bool:
    """Return whether the module may open clients."""
    return path.name == "__main__.py" or PROCESSES in path.parts


def _openers(packages: list[Package]) -> frozenset[str]:
    openers: frozenset[str] = CLIENT_LIBRARIES
    while True:
        more = openers.union(
            *(_defined(module, openers, package.is_service) for package, module in _all(packages))
        )
        if more == openers:
            return openers
        openers = more


def _all(packages: Iterable[Package]) -> Iterator[tuple[Package, Module]]:
    return ((package, module) for package in packages for module in package.modules)


def _defined(module: Module, openers: frozenset[str], in_service: bool) -> Iterator[str]:
    bound = names_in_module(module)
    for node in module.syntax.body:
        if isinstance(node, ast.ClassDef):
            references = {_dotted(base, bound, module.name) for base in node.bases}
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not in_service:
            references = {name for _, name in _calls(node, bound, module.name)}
        else:
            continue
        if references & openers:
            yield f"{module.name}.{node.name}"


def _calls(node: ast.AST, bound: Mapping[str, str], module: str) -> Iterator[tuple[ast.Call, str]]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and (name := _dotted(call.func, bound, module)):
            yield call, name


def _dotted(node: ast.expr, bound: Mapping[str, str], module: str) -> str | None:
    """Return the full dotted name of `a` or `a.b.c`; a name that is not imported belongs to `module`."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([bound.get(node.id, f"{module}.{node.id}"), *reversed(parts)])
