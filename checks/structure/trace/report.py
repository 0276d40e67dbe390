"""Lists the modules that a traced registration called, by process and in order of the first call."""

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
"""The processes between a registration's request and the board."""


@dataclass(frozen=True)
class CalledModule:
    """A called module or executed SQL file; `is_leaf`: it imports no other module of its package."""

    module: str
    is_leaf: bool
    also_idle: bool
    """Whether it is also called when nobody registers: by a loop, a health check or a metric."""


@dataclass(frozen=True)
class Process:
    """A process and its called modules, in order of the first call."""

    command: str
    called: Sequence[CalledModule]

    @property
    def leaves(self) -> int:
        return sum(called.is_leaf for called in self.called)


@dataclass(frozen=True)
class Trace:
    """A traced registration: the API until its response, then the other processes in order of time."""

    to_the_commit: Process
    onward: Sequence[Process]

    def to_the_screen(self) -> set[str]:
        """Return the modules that are called from the request at the API until the board's stream."""
        processes = (self.to_the_commit, *self.onward)
        return {
            called.module
            for process in processes
            if process.command in TO_THE_SCREEN
            for called in process.called
        }


@dataclass(frozen=True)
class _Entry:
    window: Window
    at_s: float
    file: str


def trace_of(logs: Mapping[str, Iterable[str]], tree: SourceTree) -> Trace:
    """Evaluate the logs of the processes, given by command. Raises TraceError if the API has no log."""
    if API not in logs:
        raise TraceError(f"no process has the command {API!r}; traced commands: {', '.join(logs)}")
    entries = {command: [_entry(line) for line in lines] for command, lines in logs.items()}
    onward = {Window.TO_THE_ANSWER, Window.TO_THE_SCREEN}
    others = {command: found for command, found in entries.items() if command != API}
    first_s = {
        command: min((entry.at_s for entry in found if entry.window in onward), default=float("inf"))
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
    # In the logs, the functions of named queries have the path of their SQL file.
    found = {
        entry.file: names.get(entry.file, entry.file.rpartition("/services/")[2])
        for entry in entries
        if entry.window in windows
    }
    return Process(
        command, [CalledModule(name, name not in not_leaves, file in idle) for file, name in found.items()]
    )


def as_markdown(trace: Trace) -> str:
    """Return the trace as Markdown."""
    processes = (trace.to_the_commit, *trace.onward)
    head = ("process", "modules called", "leaves", "others", "others not called when idle")
    rows = (
        (
            process.command,
            len(process.called),
            process.leaves,
            len(process.called) - process.leaves,
            sum(not called.is_leaf and not called.also_idle for called in process.called),
        )
        for process in processes
    )
    lists = (f"## {process.command}\n\n{_lists(process)}" for process in processes)
    totals = (
        f"To the commit: {len(trace.to_the_commit.called)} modules and SQL files. To the screen, in "
        f"{', '.join(TO_THE_SCREEN)}: {len(trace.to_the_screen())}."
    )
    about = (
        "One `POST /v1/participants`: in the API from the socket to the response, which follows the commit; "
        "in the other processes until one second after the board's stream has shown it. Modules are in order "
        "of the first call; those in brackets are also called without a registration. A leaf imports no "
        "other module of its package. Compiled functions are not recorded."
    )
    return "\n\n".join(["# One registration", about, totals, table(head, rows), *lists]) + "\n"


def _lists(process: Process) -> str:
    others = _names(called for called in process.called if not called.is_leaf)
    leaves = _names(called for called in process.called if called.is_leaf)
    return f"{others or 'none'}\n\nLeaves: {leaves or 'none'}"


def _names(modules: Iterable[CalledModule]) -> str:
    return ", ".join(f"({called.module})" if called.also_idle else called.module for called in modules)
