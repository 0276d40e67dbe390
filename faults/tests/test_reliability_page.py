"""A new report replaces the previous report on the page, and the rest of the page stays unchanged."""

from __future__ import annotations

import pytest

from faults.reliability_page import PAGE, with_report


@pytest.mark.parametrize("name", ["report", "planted", "peers"])
def test_the_page_has_markers_for_each_report(name: str) -> None:
    page = PAGE.read_text("utf-8")

    first = with_report(page, name, "| a | table |\n")
    second = with_report(first, name, "another")

    assert "from here -->\n| a | table |\n<!--" in first
    assert "| a | table |" not in second
    assert second.count("to here") == page.count("to here") == 3


def test_a_report_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="0 pairs of markers for nothing"):
        with_report(PAGE.read_text("utf-8"), "nothing", "text")
