"""Finds clocks and sources of randomness in pure modules, which must take such values as arguments."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checks.findings import Finding, files, run

DESCRIPTION: Final = (
    "Find clocks and sources of randomness in the pure modules and packages that pyproject.toml lists "
    "under [tool.checks] as `pure`, by their paths."
)
REMEDY: Final = "a pure module reads no clock and draws no random number: take the value as an argument"

# A pure module must not import these modules.
BANNED_MODULES: Final = ("time", "random", "secrets")
BANNED_NAMES: Final = frozenset(
    {
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "os.urandom",
        "os.getrandom",
    }
)
# Functions that make an id from a time or a random number, in the standard library or another package.
BANNED_IDS: Final = frozenset({"uuid1", "uuid4", "uuid6", "uuid7", "uuid8"})
LOOPS: Final = ("loop", "asyncio.get_running_loop()", "asyncio.get_event_loop()", "asyncio.new_event_loop()")


def check(root: Path) -> Iterator[Finding]:
    """Check the modules that pyproject.toml lists as pure."""
    for name in pure_paths(root):
        path = root / name
        if path.is_file():
            yield from check_source(Path(name), path.read_text("utf-8"))
        elif path.is_dir():
            for module in files(root, [name], ".py"):
                yield from check_source(module.relative_to(root), module.read_text("utf-8"))
        else:
            yield Finding(
                Path("pyproject.toml"), 1, "pure-path", f"there is no {name}: correct [tool.checks]"
            )


def pure_paths(root: Path) -> list[str]:
    """Return the paths that [tool.checks] in pyproject.toml lists as pure; KeyError if there is no list."""
    configuration = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    paths: list[str] = configuration["tool"]["checks"]["pure"]
    return paths


def check_source(path: Path, source: str) -> Iterator[Finding]:
    """Check one pure module."""
    tree = ast.parse(source)
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = _imported(node)
            imported |= names
            yield from _findings(path, node, [name for name in names.values() if _is_banned_import(name)])
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = _dotted(node, imported)
            yield from _findings(path, node, [name] if _is_banned_use(name) else [])


def _findings(path: Path, node: ast.stmt | ast.expr, names: list[str]) -> Iterator[Finding]:
    for name in names:
        yield Finding(path, node.lineno, "clock", f"{name}: {REMEDY}")


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Return the local names that an import binds, each with the dotted name of its object."""
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    # `import a.b` binds `a`.
    return {
        alias.asname or alias.name.partition(".")[0]: alias.name
        if alias.asname
        else alias.name.partition(".")[0]
        for alias in node.names
    }


def _is_banned_import(name: str) -> bool:
    return name.partition(".")[0] in BANNED_MODULES or _is_banned_name(name)


def _is_banned_name(name: str) -> bool:
    return name in BANNED_NAMES or name.rpartition(".")[2] in BANNED_IDS


def _is_banned_use(name: str) -> bool:
    """Return whether an attribute reads a clock. (Banned modules are already found at their import.)"""
    owner, _, attribute = name.rpartition(".")
    return _is_banned_name(name) or (attribute == "time" and owner.endswith(LOOPS))


def _dotted(node: ast.expr, imported: dict[str, str]) -> str:
    """Return the dotted name of an expression, with imports resolved; a call within it becomes `()`."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, imported)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{_dotted(node.func, imported)}()"
    return imported.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


if __name__ == "__main__":
    sys.exit(run(check, "nondeterminism", DESCRIPTION, sys.argv[1:]))
