"""Killed processes of the local stack are restarted, and no process runs after the stack was stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack_processes import end_all, stack_pids
from deploy.local.supervisor_client import Program, Supervisor
from tests.support.deadlines import until

pytestmark = pytest.mark.integration
SLEEPER = Program("sleeper", ["sleep", "300"], {"GREETING": '100% of {the} "tally", and = too'})


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path)
    supervisor.write([SLEEPER])
    supervisor.start()
    yield supervisor
    end_all(tmp_path, grace_s=1)


async def test_a_killed_process_is_restarted(supervisor: Supervisor) -> None:
    first = await _pid(supervisor, "sleeper")

    os.kill(first, signal.SIGKILL)

    await until(lambda: _pid_now(supervisor, "sleeper") not in (0, first), name="another sleeper runs")


async def test_settings_reach_the_process_unchanged(supervisor: Supervisor) -> None:
    pid = await _pid(supervisor, "sleeper")

    def it_has_the_greeting() -> bool:  # until it calls exec(), the process has supervisor's environment
        return b'GREETING=100% of {the} "tally", and = too' in Path(f"/proc/{pid}/environ").read_bytes()

    await until(it_has_the_greeting)


async def test_a_program_added_later_runs_beside_the_first(supervisor: Supervisor) -> None:
    first = await _pid(supervisor, "sleeper")

    supervisor.add([SLEEPER, Program("second", ["sleep", "300"])])

    assert await _pid(supervisor, "second") != first
    assert _pid_now(supervisor, "sleeper") == first


async def test_no_process_is_left_after_the_end(supervisor: Supervisor, tmp_path: Path) -> None:
    sleeper = await _pid(supervisor, "sleeper")
    await until(lambda: sleeper in stack_pids(tmp_path), name="the sleeper has its own environment")

    # If the sleeper ends first, the supervisor may start one more before it ends itself.
    assert end_all(tmp_path) in (2, 3)

    assert stack_pids(tmp_path) == []
    assert not supervisor.is_running()


async def test_no_process_is_left_if_the_supervisor_was_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    sleeper = await _pid(supervisor, "sleeper")
    os.kill(int((tmp_path / "supervisord.pid").read_text()), signal.SIGKILL)
    await until(lambda: stack_pids(tmp_path) == [sleeper], name="only the sleeper is left")

    assert end_all(tmp_path) == 1

    assert stack_pids(tmp_path) == []


async def _pid(supervisor: Supervisor, name: str) -> int:
    return await until(lambda: _pid_now(supervisor, name), name=f"{name} runs")


def _pid_now(supervisor: Supervisor, name: str) -> int:
    info = supervisor.processes().get(name, {})
    return int(info["pid"]) if info.get("statename") in {"STARTING", "RUNNING"} else 0
