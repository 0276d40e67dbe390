"""Whom `end_all` asks and kills, by looks at the process table that no real process gives on time.

That it ends real processes is shown in `tests/integration/deploy/test_supervisor.py`.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from deploy.local import orphan_processes

FOLDER = Path("/nowhere")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What the coming looks at the process table show; nothing after these."""
    coming: list[list[int]] = []
    monkeypatch.setattr(orphan_processes, "leftovers", lambda _: coming.pop(0) if coming else [])
    monkeypatch.setattr(orphan_processes, "PAUSE_S", 0)
    return coming


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, signal.Signals]]:
    """What was sent to whom, SIGCONT aside."""
    signals: list[tuple[int, signal.Signals]] = []

    def note(pids: list[int], number: signal.Signals) -> None:
        signals.extend((pid, number) for pid in pids if number != signal.SIGCONT)

    monkeypatch.setattr(orphan_processes, "_signal", note)
    return signals


def test_each_is_asked_once_also_one_that_shows_while_others_end_or_after_nobody_was_seen(
    looks: list[list[int]], sent: list[tuple[int, signal.Signals]]
) -> None:
    looks += [[1], [1, 2], [], [2, 3], [3]]

    assert orphan_processes.end_all(FOLDER) == 3

    assert sent == [(1, signal.SIGINT), (2, signal.SIGINT), (3, signal.SIGINT)]


def test_who_does_not_end_in_time_is_killed_but_is_asked_first(
    looks: list[list[int]], sent: list[tuple[int, signal.Signals]]
) -> None:
    looks += [[1], [1]]

    assert orphan_processes.end_all(FOLDER, grace_s=-1) == 1

    assert sent == [(1, signal.SIGINT), (1, signal.SIGKILL)]
