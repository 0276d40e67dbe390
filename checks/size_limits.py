"""Finds modules and functions over the size limits, and blocks nested too deep."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checks.findings import CODE, Finding, files, run

MODULE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 60
COMPOSITION_LINES_MAX: Final = 40
"""The limit of a function in a composition root, that is, in a folder `processes`."""
NESTING_MAX: Final = 3

DESCRIPTION: Final = (
    f"Find modules over {MODULE_LINES_MAX} lines, functions over {FUNCTION_LINES_MAX} lines "
    f"({COMPOSITION_LINES_MAX} in processes/), and blocks nested over {NESTING_MAX} deep in a function."
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS: Final = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.Match,
)
# Blocks inside a nested function or class do not count as blocks of the outer function.
OWN_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def check(root: Path) -> Iterator[Finding]:
    """Check every module in the code folders below `root`."""
    for path in files(root, CODE, ".py"):
        yield from check_source(path.relative_to(root), path.read_text("utf-8"))


def check_source(path: Path, source: str) -> Iterator[Finding]:
    """Check one module."""
    lines = len(source.splitlines())
    if lines > MODULE_LINES_MAX:
        yield Finding(path, 1, "module-lines", f"{lines} lines, {MODULE_LINES_MAX} at most: split the module")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield from _check_function(path, node)


def _check_function(path: Path, function: Function) -> Iterator[Finding]:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    lines_max = COMPOSITION_LINES_MAX if path.parent.name == "processes" else FUNCTION_LINES_MAX
    if lines > lines_max:
        remedy = f"{function.name} has {lines} lines, {lines_max} at most: split the function"
        yield Finding(path, function.lineno, "function-lines", remedy)
    for block in _too_deep(function, 0):
        remedy = f"{function.name} nests more than {NESTING_MAX} blocks: return early, or extract a function"
        yield Finding(path, block.lineno, "nesting", remedy)


def _too_deep(parent: ast.AST, depth: int) -> Iterator[ast.stmt]:
    """Yield the outermost blocks that exceed the limit; an `elif` has the depth of its `if`."""
    for child in ast.iter_child_nodes(parent):
        if isinstance(child, OWN_SCOPES):
            continue
        if not isinstance(child, BLOCKS) or _is_elif(parent, child):
            yield from _too_deep(child, depth)
        elif depth == NESTING_MAX:
            yield child
        else:
            yield from _too_deep(child, depth + 1)


def _is_elif(parent: ast.AST, child: ast.stmt) -> bool:
    """Return whether `child` is an `elif`: only an `elif` starts in the column of its parent."""
    return (
        isinstance(parent, ast.If)
        and isinstance(child, ast.If)
        and parent.orelse == [child]
        and parent.col_offset == child.col_offset
    )


if __name__ == "__main__":
    sys.exit(run(check, "size_limits", DESCRIPTION, sys.argv[1:]))
