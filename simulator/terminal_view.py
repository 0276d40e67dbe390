"""The terminal output of a run: the live display and the report at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.clients.board_client import ProvinceTotal
from simulator.load.latencies import Latencies
from simulator.load.load_runner import Progress

LAST: Final = 400


@dataclass(slots=True)
class TerminalView:
    """The data of the live display, which rich renders."""

    progress: Progress
    latencies: Latencies
    page: str
    duration_s: float | None
    began_s: float = field(default_factory=time.monotonic)
    total: ProvinceTotal | None = None
    milestones: list[str] = field(default_factory=list)
    mails: int = 0
    calls: int = 0
    _rates: list[tuple[float, int]] = field(default_factory=list)

    def __rich__(self) -> RenderableType:
        progress, table = self.progress, Table.grid(padding=(0, 2))
        total = self.total
        table.add_row("page", self.page)
        table.add_row("registered", f"{progress.registered:,} tonight, {self._rate():.0f}/s now")
        table.add_row("counted", _counted(total))
        table.add_row("answer", percentiles(progress.response_times, LAST))
        table.add_row("201 to stream", percentiles(self.latencies, LAST))
        table.add_row("proof", _proof(total))
        table.add_row(
            "requests",
            f"{progress.sent:,} sent, {progress.total('accepted'):,} accepted, "
            f"{progress.total('refused'):,} refused, "
            f"{progress.total('unknown'):,} unknown, {progress.retried:,} retried",
        )
        table.add_row("alerts", f"{self.mails:,} in the mailbox, {self.calls:,} at the webhook receiver")
        for line in self.milestones[:4]:
            table.add_row("milestone", line)
        return Group(Text(self._title(), style="bold"), table)

    def _title(self) -> str:
        elapsed = time.monotonic() - self.began_s
        until = f" of {self.duration_s:.0f} s" if self.duration_s else " s, Ctrl-C ends it"
        return f"Jakpreneur Fest, {elapsed:.0f}{until}"

    def _rate(self) -> float:
        now = time.monotonic()
        self._rates = [sample for sample in self._rates if sample[0] > now - 5] + [
            (now, self.progress.registered)
        ]
        (first_s, first), (last_s, last) = self._rates[0], self._rates[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


def _counted(total: ProvinceTotal | None) -> str:
    return f"{total.registered:,} in the province, about {total.lag:,} not counted yet" if total else "–"


def _proof(total: ProvinceTotal | None) -> str:
    if total is None:
        return "–"
    drift = "–" if total.drift is None else str(total.drift)
    return f"drift {drift}, {total.state}, coverage {total.coverage:.4%}"


def percentiles(latencies: Latencies, last: int | None = None) -> str:
    """Format p50, p95 and p99 in milliseconds."""
    values = [latencies.percentile_s(percent, last) for percent in (50, 95, 99)]
    numbers = " / ".join("–" if value is None else f"{value * 1000:.0f}" for value in values)
    return f"p50 / p95 / p99  {numbers} ms"


def report(rows: Iterable[tuple[str, str]], errors: list[str], shown_max: int = 20) -> RenderableType:
    """Render the report, which is a table of results followed by the errors found."""
    table = Table("", "", title="Report", show_header=False, title_justify="left")
    for name, value in rows:
        table.add_row(name, value)
    if not errors:
        return Group(table, Text("Nothing was lost, doubled or miscounted.", style="green"))
    lines = [Text(error, style="red") for error in errors[:shown_max]]
    if len(errors) > shown_max:
        lines.append(Text(f"… and {len(errors) - shown_max} more", style="red"))
    return Group(table, *lines)
