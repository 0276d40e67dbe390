"""Reads the files of a checkout: Python modules with their import names, and the packages of services/."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

ROOTS: Final = ("services", "simulator", "deploy", "bench", "contract", "checks", "tests", "faults")
SERVICES: Final = "services"
SHARED: Final = "shared"
"""A folder of services/ that is on the import path; its subfolders are packages."""


@dataclass(frozen=True)
class Module:
    """A Python module: its path relative to the checkout, and the name by which others import it."""

    path: Path
    name: str
    text: str

    @property
    def lines(self) -> int:
        return line_count(self.text)

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))


@dataclass(frozen=True)
class Package:
    """A package of services/. It is a service if it has a `__main__`, otherwise a shared package."""

    name: str
    folder: Path
    modules: tuple[Module, ...]

    @property
    def is_service(self) -> bool:
        return any(module.path == self.folder / "__main__.py" for module in self.modules)


@dataclass(frozen=True)
class SourceTree:
    """A checkout on disk."""

    root: Path

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """All files of services, tools and tests: paths relative to the checkout, sorted."""
        return tuple(sorted(path for root in ROOTS for path in self._below(self.root / root)))

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """All Python modules."""
        return tuple(self._module(path) for path in self.files if path.suffix == ".py")

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """The packages of services/, sorted by name."""
        found: dict[str, list[Module]] = {}
        for module in self.modules:
            if module.path.parts[0] == SERVICES and len(import_parts(module.path)) > 1:
                found.setdefault(import_parts(module.path)[0], []).append(module)
        return tuple(
            Package(name, _folder(name, modules[0].path), tuple(modules))
            for name, modules in sorted(found.items())
        )

    def text(self, path: Path) -> str:
        """Return the text of a file; empty if the file is not UTF-8 text."""
        try:
            return (self.root / path).read_text("utf-8")
        except UnicodeDecodeError:
            return ""

    def _below(self, folder: Path) -> Iterator[Path]:
        for path in folder.rglob("*") if folder.is_dir() else ():
            relative = path.relative_to(self.root)
            if path.is_file() and not any(_is_generated(part) for part in relative.parts):
                yield relative

    def _module(self, path: Path) -> Module:
        parts = list(import_parts(path.with_suffix("")))
        if parts[-1] == "__init__":
            parts.pop()
        return Module(path, ".".join(parts), self.text(path))


def import_parts(path: Path) -> tuple[str, ...]:
    """Return the parts of the module name for a path, relative to the folder on the import path."""
    parts = path.parts
    if parts[0] == SERVICES:
        parts = parts[1:]
        if parts[0] == SHARED:
            parts = parts[1:]
    return parts


def line_count(text: str) -> int:
    """Return the number of lines, as an editor counts them."""
    return len(text.splitlines())


def _folder(name: str, path: Path) -> Path:
    return Path(*path.parts[: path.parts.index(name) + 1])


def _is_generated(part: str) -> bool:
    return part.startswith(".") or part in {"__pycache__", "node_modules", "target"}
