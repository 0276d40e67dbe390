"""Real aggregator processes for tests: started, signalled, awaited, and always ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.ports import free_ports
from tests.support.log_files import tail


@dataclass
class AggregatorProcess:
    """One process."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    async def exit_code(self, deadline_s: float = 20.0) -> int:
        """Wait for its end."""
        return await asyncio.to_thread(self.process.wait, deadline_s)

    def told(self, text: str) -> bool:
        """Whether its log holds a text."""
        return text in self.log.read_text(errors="replace")


@dataclass
class Processes:
    """Starts `python -m aggregator …` with this test's settings."""

    folder: Path
    environment: Mapping[str, str]
    running: list[AggregatorProcess] = field(default_factory=list)

    def start(self, command: str, *arguments: str, **environment: str) -> AggregatorProcess:
        """Start one; settings given here come on top."""
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
        self.running.append(AggregatorProcess(name, port, log, process))
        return self.running[-1]

    def close(self) -> None:
        """End all that still run."""
        for one in self.running:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.kill()

    def logs(self) -> str:
        """The end of every log, for a failed test."""
        return "\n".join(tail(one.log) for one in self.running)


def processes(folder: Path, environment: Mapping[str, str]) -> Iterator[Processes]:
    """Processes that end with the test."""
    started = Processes(folder, environment)
    try:
        yield started
    finally:
        started.close()
        print(started.logs())  # noqa: T201 - pytest shows it where the test failed
