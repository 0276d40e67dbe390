"""Starts real aggregator processes for tests, and ends all of them with the test."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.log_files import tail
from tests.support.ports import free_ports


@dataclass
class RunningProcess:
    """One started process."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self.process.kill()
        self.process.wait(60)

    def ended(self) -> bool:
        """Return whether the process has ended."""
        return self.process.poll() is not None

    async def exit_code(self, deadline_s: float = 60.0) -> int:
        """Wait for the end of the process; return its exit code."""
        return await asyncio.to_thread(self.process.wait, deadline_s)

    def has_logged(self, text: str) -> bool:
        """Return whether the log contains the text."""
        return text in self.log.read_text(errors="replace")


@dataclass
class Processes:
    """Starts `python -m aggregator …` with this test's settings."""

    folder: Path
    environment: Mapping[str, str]
    running: list[RunningProcess] = field(default_factory=list)

    def start(self, command: str, *arguments: str, **environment: str) -> RunningProcess:
        """Start one process; `environment` overrides the test's settings."""
        port = free_ports(1)[0]
        name = f"{command}-{len(self.running)}"
        log = self.folder / f"{name}.log"
        settings = {
            **os.environ,
            "AGGREGATOR_PORT": str(port),
            "AGGREGATOR_PUBLISHER_PORT": str(port),
            **self.environment,
            **environment,
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "aggregator", command, *arguments],
                env=settings,
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.running.append(RunningProcess(name, port, log, process))
        return self.running[-1]

    def close(self) -> None:
        """Kill all processes that have not ended, including suspended ones."""
        for running in self.running:
            if not running.ended():
                running.signal(signal.SIGCONT)
                running.kill()

    def logs(self) -> str:
        """Return the last lines of each process's log, to be printed if the test fails."""
        return "\n".join(tail(running.log) for running in self.running)


def processes(folder: Path, environment: Mapping[str, str]) -> Iterator[Processes]:
    """Yield an object that starts processes; all of them are killed at the end of the test."""
    started = Processes(folder, environment)
    try:
        yield started
    finally:
        started.close()
        print(started.logs())  # noqa: T201 - pytest shows the output of a failed test
