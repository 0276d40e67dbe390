"""Measures sizes: lines by language, modules per folder, long modules and long functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks.structure.source_tree import Module, Package, SourceTree, line_count

LANGUAGES: Final = {".py": "Python", ".sql": "SQL", ".pyx": "Cython", ".pxd": "Cython", ".pxi": "Cython"}
FUNCTION_LINES_MAX: Final = 40
MODULE_LINES_MAX: Final = 250
TEST_FOLDERS: Final = ("tests", "faults")


@dataclass(frozen=True, order=True)
class Long:
    """A function or module over its limit; `name` is empty for a module."""

    path: Path
    line: int
    name: str
    lines: int


@dataclass(frozen=True)
class SuiteLines:
    """The number of Python lines in a folder of tests: in its `test_*.py`, and in its other modules."""

    folder: str
    tests: int
    support: int


def lines_by_language(tree: SourceTree, package: Package) -> Mapping[str, int]:
    """Count the lines of Python, SQL and Cython below a package's folder."""
    lines = Counter(dict.fromkeys(LANGUAGES.values(), 0))
    for path in tree.files:
        if path.suffix in LANGUAGES and package.folder in path.parents:
            lines[LANGUAGES[path.suffix]] += line_count(tree.text(path))
    return dict(lines)


def modules_per_folder(modules: Iterable[Module]) -> Mapping[str, int]:
    """Count the modules in each folder (without `__init__`); the largest folder comes first."""
    counts = Counter(module.path.parent.as_posix() for module in modules if module.path.name != "__init__.py")
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def long_modules(modules: Iterable[Module]) -> list[Long]:
    """Return the modules over MODULE_LINES_MAX lines."""
    return sorted(
        Long(module.path, 1, "", module.lines) for module in modules if module.lines > MODULE_LINES_MAX
    )


def long_functions(modules: Iterable[Module]) -> list[Long]:
    """Return the functions over FUNCTION_LINES_MAX lines, `def` and nested functions included."""
    found = (
        Long(module.path, node.lineno, node.name, _function_lines(node))
        for module in modules
        for node in ast.walk(module.syntax)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    return sorted(function for function in found if function.lines > FUNCTION_LINES_MAX)


def _function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None, "ast sets the end of a parsed function"
    return node.end_lineno - node.lineno + 1


def lines_of_tests(modules: Iterable[Module]) -> list[SuiteLines]:
    """Count the lines of each top-level folder with tests."""
    modules = list(modules)
    return [
        SuiteLines(folder, _lines(modules, folder, tests=True), _lines(modules, folder, tests=False))
        for folder in TEST_FOLDERS
    ]


def _lines(modules: Iterable[Module], folder: str, *, tests: bool) -> int:
    return sum(
        module.lines
        for module in modules
        if module.path.parts[0] == folder and module.path.name.startswith("test_") is tests
    )
