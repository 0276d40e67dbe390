"""The phrases of the guide's table are found in docstrings, comments, log messages and Markdown only."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.plain_english import check, check_prose, phrases, prose_of

PATH = Path("services/shop/till.py")
GUIDE = """# Guide

| you have | it goes to |
| --- | --- |
| a rule | a pure module |

| instead of | write |
| --- | --- |
| is told | is notified |
| nobody's | invalid |

Text.
"""


def lines(source: str, suffix: str = ".py") -> list[int]:
    texts = prose_of(suffix, source)
    return [finding.line for finding in check_prose(PATH, texts, phrases(GUIDE))]


def repository(root: Path, **pages: str) -> Path:
    (root / "CONTRIBUTING.md").write_text(GUIDE)
    (root / "docs").mkdir()
    for name, text in pages.items():
        (root / "docs" / f"{name}.md").write_text(text)
    return root


def test_only_one_table_of_the_guide_has_the_phrases() -> None:
    assert phrases(GUIDE) == {"is told": "is notified", "nobody's": "invalid"}


@pytest.mark.parametrize(
    "source",
    [
        '"""The clerk is told."""',
        'def sell():\n    """The clerk is told."""',
        'class Till:\n    """\n    The clerk is told."""',
        "x = 1  # the clerk is told",
        'log.info("clerk is told", clerk=1)',
        'log.exception(\n    "the clerk is told")',
    ],
)
def test_a_phrase_is_found_on_its_line(source: str) -> None:
    assert lines(source) == [len(source.splitlines())]


@pytest.mark.parametrize(
    "source",
    [
        'text = "The clerk is told."',
        'print("The clerk is told.")',
        "# this tolder word is tolder",
        "# what he is, told or not",
        "is_told = 1",
    ],
)
def test_other_strings_and_similar_words_are_not_found(source: str) -> None:
    assert lines(source) == []


def test_case_and_the_kind_of_apostrophe_do_not_matter() -> None:
    assert lines("# Nobody’s key\n\n# IS TOLD") == [1, 3]


def test_a_phrase_split_by_a_line_break_is_found_at_its_first_line() -> None:
    assert lines("x = 1\n# the clerk is\n# told the price") == [2]
    assert lines('"""Prices.\n\nThe clerk is\ntold the price."""') == [3]


def test_comments_that_are_not_consecutive_are_not_joined() -> None:
    assert lines("# the clerk is\n\n# told the price") == []


@pytest.mark.parametrize(("suffix", "mark"), [(".sql", "--"), (".js", "//"), (".yaml", "#"), (".pyx", "#")])
def test_comment_lines_of_other_languages_are_read(suffix: str, mark: str) -> None:
    assert lines(f"one\n{mark} the clerk is told\n", suffix) == [2]


def test_markdown_files_are_checked_and_the_table_itself_is_not(tmp_path: Path) -> None:
    root = repository(tmp_path, prices="# Prices\n\nThe clerk is told.\n", empty="")

    found = [str(finding) for finding in check(root)]

    assert found == ["docs/prices.md:3: plain-english: instead of “is told” write is notified"]


def test_the_rest_of_the_guide_is_checked(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "CONTRIBUTING.md").write_text(f"{GUIDE}The clerk is told.\n")

    found = [(str(finding.path), finding.line) for finding in check(root)]

    assert found == [("CONTRIBUTING.md", 13)]


def test_a_guide_without_the_table_is_a_finding(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "CONTRIBUTING.md").write_text("# Guide\n")

    found = [finding.rule for finding in check(root)]

    assert found == ["no-phrases"]
