"""Finds phrases that CONTRIBUTING.md replaces, in docstrings, comments, log messages and Markdown."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from checks.findings import CODE, Finding, files, run

DESCRIPTION: Final = (
    "Find the phrases of the table `instead of | write` in CONTRIBUTING.md, "
    "in docstrings, comments, log messages and Markdown files."
)
GUIDE: Final = "CONTRIBUTING.md"
HEADER: Final = ("instead of", "write")
LOGGERS: Final = frozenset({"log", "logger", "_log"})
LOG_METHODS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
# Comment marks by suffix. In these files a comment is read only if it has a line of its own.
COMMENT_MARKS: Final = {".sql": "--", ".js": "//", ".yaml": "#", ".yml": "#", ".sh": "#", ".toml": "#"}

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Prose(NamedTuple):
    """A text, and the line of the file where it starts."""

    line: int
    text: str


def check(root: Path) -> Iterator[Finding]:
    """Check the code folders, `docs`, and the Markdown files in the root folder `root`."""
    guide = (root / GUIDE).read_text("utf-8")
    replacements = phrases(guide)
    if not replacements:
        yield Finding(
            Path(GUIDE), 1, "no-phrases", f"the table `{' | '.join(HEADER)}` is missing: restore it"
        )
    pages = (path for path in sorted(root.glob("*.md")) if path.name != GUIDE)
    inside = files(root, ("docs", *CODE), ".py", ".pyx", ".md", *COMMENT_MARKS)
    for path in (*pages, *inside):
        relative = path.relative_to(root)
        yield from check_prose(relative, prose_of(path.suffix, path.read_text("utf-8")), replacements)
    yield from check_prose(Path(GUIDE), [Prose(1, _without_table(guide))], replacements)


def phrases(guide: str) -> dict[str, str]:
    """Return the replacement of each phrase in the guide's table; empty if the guide has no such table."""
    rows = (_cells(line) for _, line in _table(guide))
    return {row[0]: row[1] for row in rows if len(row) == 2 and not re.fullmatch(r"[- ]*", row[0])}


def check_prose(path: Path, texts: Iterable[Prose], replacements: Mapping[str, str]) -> Iterator[Finding]:
    """Find the phrases, including those split by a line break or written with a typographic apostrophe."""
    patterns = [(phrase, _pattern(phrase), remedy) for phrase, remedy in replacements.items()]
    for prose in texts:
        text = prose.text.replace("’", "'")
        for phrase, pattern, remedy in patterns:
            for match in pattern.finditer(text):
                line = prose.line + text.count("\n", 0, match.start())
                yield Finding(path, line, "plain-english", f"instead of “{phrase}” write {remedy}")


def prose_of(suffix: str, source: str) -> Iterator[Prose]:
    """Yield the docstrings, comments and log messages of code, or the Markdown, depending on the suffix."""
    if suffix == ".md":
        yield Prose(1, source)
    elif suffix == ".py":
        tree = ast.parse(source)
        yield from _docstrings(tree)
        yield from _log_texts(tree)
        yield from _python_comments(source)
    else:
        # `ast` cannot parse Cython, so only its whole comment lines are read.
        yield from _comment_lines(source, COMMENT_MARKS.get(suffix, "#"))


def _table(guide: str) -> Iterator[tuple[int, str]]:
    """Yield the table's rows below the header with their line numbers; the guide's first line is 0."""
    inside = False
    for number, line in enumerate(guide.splitlines()):
        if inside and not line.startswith("|"):
            return
        if inside:
            yield number, line
        inside = inside or tuple(_cells(line)) == HEADER


def _without_table(guide: str) -> str:
    """Return the guide with empty lines instead of the table's rows, so that line numbers stay the same."""
    rows = {number for number, _ in _table(guide)}
    return "\n".join("" if number in rows else line for number, line in enumerate(guide.splitlines()))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _pattern(phrase: str) -> re.Pattern[str]:
    """Return a pattern for the phrase in any case, its words separated by white space or a comment mark."""
    words = r"[\s#]+".join(re.escape(word) for word in phrase.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _docstrings(tree: ast.Module) -> Iterator[Prose]:
    for node in ast.walk(tree):
        if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            assert isinstance(first, ast.Expr)
            yield from _text(first.value)


def _log_texts(tree: ast.Module) -> Iterator[Prose]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_log_call(node.func) and node.args:
            yield from _text(node.args[0])


def _is_log_call(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LOG_METHODS
        and isinstance(function.value, ast.Name)
        and function.value.id in LOGGERS
    )


def _text(node: ast.expr) -> Iterator[Prose]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield Prose(node.lineno, node.value)


def _python_comments(source: str) -> Iterator[Prose]:
    """Yield the comments. Comments on consecutive lines are joined, because a sentence may continue."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    yield from _joined((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)


def _comment_lines(source: str, mark: str) -> Iterator[Prose]:
    lines = ((number, line.strip()) for number, line in enumerate(source.splitlines(), start=1))
    yield from _joined((number, line.removeprefix(mark)) for number, line in lines if line.startswith(mark))


def _joined(lines: Iterable[tuple[int, str]]) -> Iterator[Prose]:
    first, piece = 0, list[str]()
    for number, text in lines:
        if piece and number != first + len(piece):
            yield Prose(first, "\n".join(piece))
            piece = []
        if not piece:
            first = number
        piece.append(text)
    if piece:
        yield Prose(first, "\n".join(piece))


if __name__ == "__main__":
    sys.exit(run(check, "plain_english", DESCRIPTION, sys.argv[1:]))
