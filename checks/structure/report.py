"""Measures the structure of a checkout and renders it as JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from checks.structure.client_creation import Opening, openings_outside_roots
from checks.structure.import_graph import Arrow, cycles, level_count, module_graph, room_graph
from checks.structure.layer_contracts import Layers, contract_of, read_layers, unlayered, upward
from checks.structure.participle_names import participles
from checks.structure.sizes import (
    FUNCTION_LINES_MAX,
    LANGUAGES,
    MODULE_LINES_MAX,
    Long,
    SuiteLines,
    lines_by_language,
    lines_of_tests,
    long_functions,
    long_modules,
    modules_per_folder,
)
from checks.structure.source_tree import Package, SourceTree


@dataclass(frozen=True)
class PackageStructure:
    """The structure of a package of services/; `upward` is None if it has no layers contract."""

    name: str
    is_service: bool
    lines: Mapping[str, int]
    modules: int
    module_levels: int
    module_arrows: int
    rooms: int
    room_levels: int
    room_arrows: int
    contract: str | None
    upward: Sequence[Arrow] | None
    unlayered: Sequence[str]
    room_cycles: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Structure:
    """The structure of a checkout."""

    packages: tuple[PackageStructure, ...]
    modules_per_folder: Mapping[str, int]
    participles: Sequence[Path]
    openings_outside_roots: Sequence[Opening]
    tests: Sequence[SuiteLines]
    long_modules: Sequence[Long]
    long_functions: Sequence[Long]


def measure(tree: SourceTree) -> Structure:
    """Measure a checkout."""
    contracts = read_layers(tree.root)
    return Structure(
        tuple(_package(tree, package, contracts) for package in tree.packages),
        modules_per_folder(tree.modules),
        participles(tree.files),
        openings_outside_roots(tree.packages),
        lines_of_tests(tree.modules),
        long_modules(tree.modules),
        long_functions(tree.modules),
    )


def _package(tree: SourceTree, package: Package, contracts: Iterable[Layers]) -> PackageStructure:
    modules = module_graph(package)
    rooms = room_graph(package, modules)
    contract = contract_of(package.name, contracts)
    return PackageStructure(
        name=package.name,
        is_service=package.is_service,
        lines=lines_by_language(tree, package),
        modules=sum(module.path.name != "__init__.py" for module in package.modules),
        module_levels=level_count(modules),
        module_arrows=len(modules.arrows),
        rooms=len(rooms.names),
        room_levels=level_count(rooms),
        room_arrows=len(rooms.arrows),
        contract=contract.name if contract else None,
        upward=upward(contract, modules) if contract else None,
        unlayered=unlayered(contract, rooms) if contract else (),
        room_cycles=cycles(rooms),
    )


def as_json(structure: object) -> str:
    """Return a dataclass of this package as JSON."""
    return json.dumps(asdict(structure), indent=1, ensure_ascii=False, default=str) + "\n"  # type: ignore[call-overload]  # every caller passes a dataclass


def as_markdown(structure: Structure) -> str:
    """Return the structure as Markdown."""
    sections = (
        ("Packages", _packages_table(structure.packages)),
        ("Imports of higher layers, and cycles", _items(_arrow_lines(structure.packages))),
        ("Modules per folder", table(("folder", "modules"), structure.modules_per_folder.items())),
        (
            "Participles and gerunds as module names",
            _items(path.as_posix() for path in structure.participles),
        ),
        ("Clients opened outside composition roots", _items(_openings(structure.openings_outside_roots))),
        ("Lines of tests and of their support", _tests_table(structure.tests)),
        (f"Modules over {MODULE_LINES_MAX} lines", _items(_long(structure.long_modules))),
        (f"Functions over {FUNCTION_LINES_MAX} lines", _items(_long(structure.long_functions))),
    )
    return "\n".join(["# Structure", *(f"\n## {title}\n\n{body}" for title, body in sections)]) + "\n"


def _packages_table(packages: Iterable[PackageStructure]) -> str:
    counts = ("modules", "levels", "arrows", "rooms", "levels", "arrows", "upward")
    rows = (
        (
            f"**{package.name}**" if package.is_service else package.name,
            *package.lines.values(),
            *(package.modules, package.module_levels, package.module_arrows),
            *(package.rooms, package.room_levels, package.room_arrows),
            f"no layers, {len(package.room_cycles)} cycles"
            if package.upward is None
            else len(package.upward),
        )
        for package in packages
    )
    legend = (
        "Services are bold. Levels: the length of the longest chain of imports. Arrows: imports between two "
        "modules or two rooms. A room is a top-level package or module of a package."
    )
    return f"{legend}\n\n{table(('package', *dict.fromkeys(LANGUAGES.values()), *counts), rows)}"


def _arrow_lines(packages: Iterable[PackageStructure]) -> Iterable[str]:
    for package in packages:
        yield from (
            f"up ({package.contract}): {importer} → {imported}" for importer, imported in package.upward or ()
        )
        yield from (f"cycle: {' ↔ '.join(cycle)}" for cycle in package.room_cycles)
        if package.unlayered:
            yield f"in no layer of {package.contract}: {', '.join(package.unlayered)}"


def _openings(openings: Iterable[Opening]) -> Iterable[str]:
    return (f"{opening.path.as_posix()}:{opening.line} {opening.what}" for opening in openings)


def _long(found: Iterable[Long]) -> Iterable[str]:
    return (
        f"{long.path.as_posix()}:{long.line} {long.name} ({long.lines} lines)".replace("  ", " ")
        for long in found
    )


def _tests_table(tests: Iterable[SuiteLines]) -> str:
    return table(
        ("folder", "test_*.py", "other Python"),
        ((suite.folder, suite.tests, suite.support) for suite in tests),
    )


def table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    lines = (f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)
    return "\n".join((f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines))


def _items(lines: Iterable[str]) -> str:
    found = list(lines)
    return "\n".join([f"{len(found)}", "", *(f"- {line}" for line in found)] if found else ["none"])
