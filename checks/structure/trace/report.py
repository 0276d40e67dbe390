"""What a traced registration entered: modules by process in order of entry, leaves named apart. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from checks.structure.import_graph import module_graph
from checks.structure.report import table
from checks.structure.source_tree import SourceTree
from checks.structure.trace.traced_registration import TraceError, Window

API: Final = "registration api"
TO_THE_SCREEN: Final = (API, "registration relay", "aggregator worker", "aggregator publisher", "board serve")
"""The processes that a registration passes on its way to the board."""


@dataclass(frozen=True)
class Entered:
    """A module or an SQL file that was entered; a leaf imports no other module of its package."""

    module: str
    is_leaf: bool
    also_idle: bool
    """Whether it is entered without a registration, too: by a loop, a health check or a metric."""


@dataclass(frozen=True)
class Process:
    """A process and what it entered, in order of first entry."""

    command: str
    entered: Sequence[Entered]

    @property
    def leaves(self) -> int:
        return sum(one.is_leaf for one in self.entered)


@dataclass(frozen=True)
class Trace:
    """One registration: the API from the socket to the answer, and the other processes in time order."""

    to_the_commit: Process
    onward: Sequence[Process]

    def to_the_screen(self) -> set[str]:
        """The modules entered on the way from the socket to the board's stream."""
        processes = (self.to_the_commit, *self.onward)
        return {
            one.module for process in processes if process.command in TO_THE_SCREEN for one in process.entered
        }


@dataclass(frozen=True)
class _Entry:
    window: Window
    at_s: float
    file: str


def trace_of(logs: Mapping[str, Iterable[str]], tree: SourceTree) -> Trace:
    """Read the processes' logs. Raises TraceError if the API was not among them."""
    if API not in logs:
        raise TraceError(f"no process was started as {API!r}; there were: {', '.join(logs)}")
    entries = {command: [_entry(line) for line in lines] for command, lines in logs.items()}
    onward = {Window.TO_THE_ANSWER, Window.TO_THE_SCREEN}
    others = {command: found for command, found in entries.items() if command != API}
    first_s = {
        command: min((one.at_s for one in found if one.window in onward), default=float("inf"))
        for command, found in others.items()
    }
    return Trace(
        _process(API, entries[API], {Window.TO_THE_ANSWER}, tree),
        [
            _process(command, others[command], onward, tree)
            for command in sorted(others, key=lambda command: first_s[command])
            if first_s[command] < float("inf")
        ],
    )


def _entry(line: str) -> _Entry:
    window, at_s, file = line.split(" ", 2)
    return _Entry(Window(int(window)), float(at_s), file)


def _process(command: str, entries: Iterable[_Entry], windows: set[Window], tree: SourceTree) -> Process:
    names = {str(tree.root / module.path): module.name for module in tree.modules}
    not_leaves = {importer for package in tree.packages for importer, _ in module_graph(package).arrows}
    entries = sorted(entries, key=lambda entry: entry.at_s)
    idle = {entry.file for entry in entries if entry.window is Window.IDLE}
    # A function made from a named query has the query's file.
    found = {
        entry.file: names.get(entry.file, entry.file.rpartition("/services/")[2])
        for entry in entries
        if entry.window in windows
    }
    return Process(
        command, [Entered(name, name not in not_leaves, file in idle) for file, name in found.items()]
    )


def as_markdown(trace: Trace) -> str:
    """For readers."""
    processes = (trace.to_the_commit, *trace.onward)
    head = ("process", "modules entered", "leaves", "others", "others not entered when idle")
    rows = (
        (
            process.command,
            len(process.entered),
            process.leaves,
            len(process.entered) - process.leaves,
            sum(not one.is_leaf and not one.also_idle for one in process.entered),
        )
        for process in processes
    )
    lists = (f"## {process.command}\n\n{_lists(process)}" for process in processes)
    totals = (
        f"To the commit: {len(trace.to_the_commit.entered)} modules and SQL files. To the screen, in "
        f"{', '.join(TO_THE_SCREEN)}: {len(trace.to_the_screen())}."
    )
    about = (
        "One `POST /v1/participants`: in the API from the socket to the answer, which follows the commit; in "
        "the other processes until the board's stream has shown it, and a second more. Modules in order of "
        "first entry; those in brackets are entered without a registration, too. A leaf imports no other "
        "module of its package. Compiled functions are not seen."
    )
    return "\n\n".join(["# One registration", about, totals, table(head, rows), *lists]) + "\n"


def _lists(process: Process) -> str:
    others = _names(one for one in process.entered if not one.is_leaf)
    leaves = _names(one for one in process.entered if one.is_leaf)
    return f"{others or 'none'}\n\nLeaves: {leaves or 'none'}"


def _names(entered: Iterable[Entered]) -> str:
    return ", ".join(f"({one.module})" if one.also_idle else one.module for one in entered)
