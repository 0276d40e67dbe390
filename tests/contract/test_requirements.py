"""Each image installs the packages that its code imports: requirements/*.in agree with the imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from tests.support.contract_documents import ROOT

IMPORT_PATH: Final = (ROOT / "services", ROOT / "services" / "shared", ROOT)
DISTRIBUTIONS: Final = packages_distributions()
LINE: Final = re.compile(r"^([A-Za-z0-9._-]+)[^#\n]*(#.*)?$", re.MULTILINE)
# The code that each image runs: a whole service, or single modules.
IMAGES: Final = {
    "registration": ("registration",),
    "aggregator": ("aggregator",),
    "notifier": ("notifier",),
    "board": ("board",),
    "deploy": ("deploy.topics", "deploy.secret_volumes", "deploy.local.webhook_receiver"),
}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(image: str) -> dict[str, str]:
    """Return the packages in an image's .in file, each with the comment on its line if there is one."""
    text = (ROOT / "requirements" / f"{image}.in").read_text("utf-8")
    return {normalised(name): comment for name, comment in LINE.findall(text)}


def files_of(module: str) -> list[Path]:
    """Return the file of a module or package of this project. The list is empty for other modules."""
    for base in IMPORT_PATH:
        path = base.joinpath(*module.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return [file]
    return []


def first_files(module: str) -> list[Path]:
    """Return the files of a service, or the file of a single module."""
    folder = ROOT / "services" / module
    return sorted(folder.rglob("*.py")) if folder.is_dir() else files_of(module)


def imports_of(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports and their parent packages.

    `from a import b` yields a.b too, because b may be a module.
    """
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def imported(image: str) -> set[str]:
    """Return the third-party packages that an image's code imports, directly or through other modules."""
    waiting = [file for module in IMAGES[image] for file in first_files(module)]
    seen: set[Path] = set()
    packages: set[str] = set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in imports_of(file):
            waiting += files_of(module)
            if module in DISTRIBUTIONS and module not in sys.stdlib_module_names and not files_of(module):
                packages |= {normalised(name) for name in DISTRIBUTIONS[module]}
    assert len(seen) > len(IMAGES[image])
    return packages


@pytest.mark.parametrize("image", IMAGES)
def test_every_imported_package_is_declared(image: str) -> None:
    assert imported(image) - declared(image).keys() == set()


@pytest.mark.parametrize("image", IMAGES)
def test_a_declared_package_without_an_import_has_a_comment_with_its_reason(image: str) -> None:
    unexplained = {name for name, comment in declared(image).items() if not comment}

    assert unexplained - imported(image) == set()
