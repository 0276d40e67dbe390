"""docs/settings.md and docs/metrics.md list exactly what the code declares."""

from __future__ import annotations

import re

from tests.support.contract_documents import ROOT
from tests.support.settings_and_metrics import Metric, metrics, settings_classes


def table_rows(document: str) -> list[list[str]]:
    """Return the cells of every row of a page's tables, without headings."""
    lines = (ROOT / "docs" / document).read_text("utf-8").splitlines()
    rows = [
        [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]
        for line in lines
        if line.startswith("|")
    ]
    return [row for row in rows if row[0] != "name" and not re.fullmatch(r"[-\s|]+", row[0])]


def test_every_setting_is_documented_with_its_default_and_nothing_else_is() -> None:
    declared = {name: default for settings in settings_classes() for name, default in settings.table()}
    documented = {row[0]: row[1] for row in table_rows("settings.md")}

    assert sorted(declared.items()) == sorted(documented.items())


def test_a_setting_has_the_same_default_in_every_class_that_declares_it() -> None:
    rows = {row for settings in settings_classes() for row in settings.table()}

    assert len({name for name, _ in rows}) == len(rows)


def test_every_metric_is_documented_with_its_type_and_labels_and_nothing_else_is() -> None:
    declared = metrics()
    documented = [
        Metric(row[0], row[1], tuple(re.findall(r"\w+", row[2]))) for row in table_rows("metrics.md")
    ]

    assert sorted(map(str, declared)) == sorted(map(str, documented))


def test_no_metric_has_an_id_or_personal_data_as_a_label() -> None:
    forbidden = {"id", "participant", "nik", "phone", "name", "address", "region", "campaign", "agency"}

    assert [metric for metric in metrics() if forbidden & set(metric.labels)] == []
