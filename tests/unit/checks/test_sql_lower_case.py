from __future__ import annotations

from pathlib import Path

import pytest

from checks.sql_lower_case import check_source

FILE = Path("a.sql")


def test_a_word_in_capitals_is_found_with_its_line() -> None:
    found = list(check_source(FILE, "select 1\nFROM position\n"))

    assert [(finding.line, finding.rule) for finding in found] == [(2, "sql-case")]


@pytest.mark.parametrize(
    "source", ["-- WHY\n", "select 'YYYY-MM-DD'\n", 'select "Mixed"."NAME"\n', "select 'it''s OK'"]
)
def test_comments_and_quotes_may_hold_capitals(source: str) -> None:
    assert list(check_source(FILE, source)) == []
