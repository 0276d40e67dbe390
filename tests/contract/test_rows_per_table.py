"""The page on scaling says for every table how many rows it has and what deletes them."""

from __future__ import annotations

import re

from tests.support.contract_documents import ROOT

RECORDED = ROOT / "checks" / "surface" / "recorded"


def test_every_table_is_listed_with_what_deletes_its_rows() -> None:
    recorded = "".join(path.read_text("utf-8") for path in sorted(RECORDED.glob("*.sql")))
    tables = re.findall(r'^CREATE (?:UNLOGGED )?TABLE (\w+)\."?(\w+)"?', recorded, re.MULTILINE)
    section = (ROOT / "docs" / "scaling.md").read_text("utf-8").partition("## Rows per table")[2]

    listed = re.findall(r"\b(registration|aggregator|notifier)\.(\w+)", section)

    assert sorted(listed) == sorted(tables)
