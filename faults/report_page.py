"""Puts the newest reports into docs/reliability.md: `python -m faults.report_page`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "reliability.md"
REPORTS: Final = ROOT / ".local" / "faults"


def filled(page: str, name: str, text: str) -> str:
    """The page with another text between the two marks of this name. ValueError where it has none."""
    begins = f"<!-- {name}: written by python -m faults.report_page from here -->"
    ends = f"<!-- {name}: to here -->"
    found = re.subn(
        f"({re.escape(begins)}\n).*?(\n{re.escape(ends)})",
        lambda marks: f"{marks[1]}{text.strip()}{marks[2]}",
        page,
        flags=re.DOTALL,
    )
    if found[1] != 1:
        raise ValueError(f"the page has {found[1]} places for {name}")
    return found[0]


def main() -> None:
    """Every report that there is; what was not run stays as it was."""
    page = PAGE.read_text("utf-8")
    for name in ("report", "planted", "peers"):
        report = REPORTS / f"{name}.md"
        if report.exists():
            page = filled(page, name, report.read_text("utf-8"))
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
