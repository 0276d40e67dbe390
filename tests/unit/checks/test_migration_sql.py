"""Migrations that block other transactions or break the running version are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.migration_sql import check


def rules(root: Path, name: str, text: str) -> set[str]:
    folder = root / "services" / "registration" / "migrations" / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return {finding.rule for finding in check(root)}


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("create index a on participant (name);", "require-concurrent-index-creation"),
        ("alter table participant drop column name;", "ban-drop-column"),
        ("alter table participant rename column name to named;", "renaming-column"),
        ("alter table participant alter column booth set not null;", "adding-not-nullable-field"),
    ],
)
def test_a_statement_that_blocks_or_breaks_is_found(tmp_path: Path, statement: str, rule: str) -> None:
    assert rule in rules(tmp_path, "v0099_change.sql", statement)


def test_a_contraction_may_drop_and_an_index_may_be_built_concurrently(tmp_path: Path) -> None:
    assert rules(tmp_path, "v0098_contract_name.sql", "alter table participant drop column name;") == set()
    concurrently = "create index concurrently if not exists a on participant (name);"
    assert rules(tmp_path, "v0099_index_concurrently.sql", concurrently) == set()


def test_an_index_is_not_built_concurrently_inside_a_transaction(tmp_path: Path) -> None:
    text = "create index concurrently if not exists a on participant (name);"

    assert rules(tmp_path, "v0099_index.sql", text) == {"concurrently-in-transaction"}


def test_statements_in_python_are_found_because_squawk_cannot_read_them(tmp_path: Path) -> None:
    assert rules(tmp_path, "v0099_change.py", 'op.execute("drop table participant")') == {"inline-sql"}


def test_the_first_migrations_are_exempt(tmp_path: Path) -> None:
    assert rules(tmp_path, "v0012_change.sql", "drop table participant;") == set()
