"""`end_all` signals every process of a stack, however late a search finds it.

The tests replace the search for processes, because real processes cannot be timed to appear late.
`tests/integration/deploy/test_supervisor.py` shows that `end_all` stops real processes.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from deploy.local import stack_processes

FOLDER = Path("/nowhere")


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The results of the next searches for processes; later searches find nothing."""
    results: list[list[int]] = []
    monkeypatch.setattr(stack_processes, "stack_pids", lambda _: results.pop(0) if results else [])
    monkeypatch.setattr(stack_processes, "PAUSE_S", 0)
    return results


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, signal.Signals]]:
    """The signals that were sent, except SIGCONT."""
    signals: list[tuple[int, signal.Signals]] = []

    def record(pids: list[int], number: signal.Signals) -> None:
        signals.extend((pid, number) for pid in pids if number != signal.SIGCONT)

    monkeypatch.setattr(stack_processes, "_signal", record)
    return signals


def test_every_process_is_signalled_once_including_late_ones(
    searches: list[list[int]], sent: list[tuple[int, signal.Signals]]
) -> None:
    searches += [[1], [1, 2], [], [2, 3], [3]]

    assert stack_processes.end_all(FOLDER) == 3

    assert sent == [(1, signal.SIGINT), (2, signal.SIGINT), (3, signal.SIGINT)]


def test_a_process_that_does_not_end_in_time_is_killed_after_a_sigint(
    searches: list[list[int]], sent: list[tuple[int, signal.Signals]]
) -> None:
    searches += [[1], [1]]

    assert stack_processes.end_all(FOLDER, grace_s=-1) == 1

    assert sent == [(1, signal.SIGINT), (1, signal.SIGKILL)]
