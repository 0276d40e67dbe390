"""Copies the newest campaign reports into docs/reliability.md: `python -m faults.reliability_page`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "reliability.md"
REPORTS: Final = ROOT / ".local" / "faults"


def with_report(page: str, name: str, text: str) -> str:
    """Return the page with `text` between the markers of `name`. Raises ValueError if a marker is missing."""
    begin = f"<!-- {name}: written by python -m faults.reliability_page from here -->"
    end = f"<!-- {name}: to here -->"
    page, replaced = re.subn(
        f"({re.escape(begin)}\n).*?(\n{re.escape(end)})",
        lambda markers: f"{markers[1]}{text.strip()}{markers[2]}",
        page,
        flags=re.DOTALL,
    )
    if replaced != 1:
        raise ValueError(f"the page has {replaced} pairs of markers for {name}")
    return page


def main() -> None:
    """Copy every existing report into the page. A section without a report stays unchanged."""
    page = PAGE.read_text("utf-8")
    for name in ("report", "planted", "peers"):
        report = REPORTS / f"{name}.md"
        if report.exists():
            page = with_report(page, name, report.read_text("utf-8"))
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
