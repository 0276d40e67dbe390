"""The progress bar of `registration import` and `registration undo`, on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console: Final = Console(stderr=True)


class ImportProgress:
    """A progress bar. Its total is in bytes for an import, and in participants for an undo."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._rows = 0

    def show_rows(self, rows: int, bytes_read: int) -> None:
        """Add `rows` to the rows shown, and show that `bytes_read` bytes of the file are read."""
        self._rows += rows
        rate = self._rows / max(self._progress.tasks[0].elapsed or 0.0, 0.001)
        self._progress.update(self._task, completed=bytes_read, rate=f"{self._rows:,} rows, {rate:,.0f}/s")

    def show_withdrawn(self, count: int) -> None:
        """Add `count`, the number of participants that one chunk of an undo withdrew."""
        self._progress.update(self._task, advance=count)


@contextmanager
def show_progress(title: str, total: int) -> Iterator[ImportProgress]:
    """Show a progress bar until the block ends."""
    columns = (TextColumn(title), BarColumn(), TextColumn("{task.percentage:>3.0f} % {task.fields[rate]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress:
        yield ImportProgress(progress, progress.add_task(title, total=total, rate=""))
