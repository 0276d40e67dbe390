"""Measures CPU seconds and memory of processes and their children; reads /proc."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB: Final = 1024
# Fields of /proc/<pid>/stat after the process name, which may contain spaces: the parent, and four CPU times
# (user and system mode, of the process and of its ended children).
PARENT: Final = 1
TIMES: Final = slice(11, 15)


@dataclass(frozen=True)
class Usage:
    """The CPU seconds and the highest measured memory of one process and its children together."""

    process: str
    cpu_s: float
    memory_mib: float


class Meter:
    """Measures the usage of the named processes and their children between `__init__` and `stop`.

    Memory is the proportional set size (Pss), so memory that PostgreSQL's processes share counts once. Of
    several samples the highest is reported.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        trees = _trees(self._pids)
        self._cpu_s = {name: sum(map(_cpu_s, tree)) for name, tree in trees.items()}
        self._memory_mib = {name: sum(map(_memory_mib, tree)) for name, tree in trees.items()}

    def sample(self) -> None:
        """Read the memory; this takes some milliseconds for a large process."""
        for name, tree in _trees(self._pids).items():
            self._memory_mib[name] = max(self._memory_mib[name], sum(map(_memory_mib, tree)))

    def stop(self) -> tuple[Usage, ...]:
        """Return the usage of each process so far. Call this method while the processes still run."""
        self.sample()
        return tuple(
            Usage(name, max(0.0, sum(map(_cpu_s, tree)) - self._cpu_s[name]), self._memory_mib[name])
            for name, tree in _trees(self._pids).items()
        )


def _trees(pids: Mapping[str, int]) -> dict[str, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[PARENT]), []).append(int(entry.name))
    trees = {}
    for name, root in pids.items():
        tree = [root]
        for pid in tree:  # the list grows in the loop: parents come before children
            tree += children.get(pid, [])
        trees[name] = tree
    return trees


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # the process has ended
        return []


def _cpu_s(pid: int) -> float:
    return sum(map(int, _stat(pid)[TIMES])) / TICKS_PER_S


def _memory_mib(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # the process has ended or belongs to another user
        return 0.0
    kib = next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    return kib / KIB_PER_MIB
