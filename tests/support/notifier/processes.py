"""Starts, kills and stops real notifier processes for tests."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from tests.support.deadlines import until as until_within
from tests.support.log_files import tail
from tests.support.notifier.receivers import SECRET, Mailbox, Receiver
from tests.support.ports import free_ports

# The deadline is long, because processes start slowly on a busy machine. No time is lost by this: a wait
# ends once its condition is met.
until = partial(until_within, deadline_s=60.0)
OFFICER_KEY = "an-officers-key"

RULES = """
rules:
  - {id: province, regions: ["31"], at: [100, 200, 300]}
  - {id: cities, level: city, at: [50]}
officials:
  - {id: governor, role: {id: Gubernur, en: Governor}, address: governor@example.org, regions: ["31"]}
  - id: mayor
    role: {id: Wali Kota Jakarta Pusat, en: Mayor of Central Jakarta}
    address: mayor@example.org
    language: en
    within: ["31.71"]
webhooks:
  - {id: control-room, within: ["31"]}
"""


@dataclass
class NotifierProcess:
    """One notifier process."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The root URL of the process's HTTP interface."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Send SIGKILL and wait until the process has ended."""
        self.process.kill()
        self.process.wait(60)

    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    async def crashed(self) -> None:
        """Wait until the process has died at its failpoint."""
        await until(self.ended, name="the process dies at its crash point")
        assert self.process.returncode == -signal.SIGKILL, tail(self.log)

    async def stop(self) -> int:
        """Send SIGTERM, wait until the process has ended and return its exit code."""
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 60)

    async def ready(self) -> None:
        """Wait until the process has read a cut and reached its database."""

        async def is_ready() -> bool:
            assert not self.ended(), tail(self.log)
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{self.url}/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

        await until(is_ready, name="the notifier is ready")


@dataclass
class Notifiers:
    """Starts notifier processes with one test's settings."""

    folder: Path
    environment: Mapping[str, str]
    processes: list[NotifierProcess] = field(default_factory=list)

    def write_rules(self, text: str) -> None:
        """Replace the rules file. Only processes that are started later read it."""
        (self.folder / "rules.yaml").write_text(text, encoding="utf-8")

    def start(self, crash_at: str = "", **settings: str) -> NotifierProcess:
        """Start a process. `settings` override the test's settings."""
        port = free_ports(1)[0]
        log = self.folder / f"notifier-{len(self.processes)}.log"
        environment = {
            **os.environ,
            **self.environment,
            "NOTIFIER_PORT": str(port),
            "NOTIFIER_CRASH_AT": crash_at,
            # The claim of a process that dies expires after this time, which the test must wait.
            **({"NOTIFIER_MAIL_TIMEOUT_S": "1"} if crash_at else {}),
            **settings,
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "notifier", "run"],
                env=environment,
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(NotifierProcess(port, log, process))
        return self.processes[-1]

    def close(self) -> None:
        """Kill all processes that still run, and print the end of their logs."""
        for process in self.processes:
            if not process.ended():
                process.kill()
            print(tail(process.log))  # noqa: T201 - pytest shows it with a failure


def notifiers(
    folder: Path, environment: Mapping[str, str], mailbox: Mailbox, receiver: Receiver
) -> Iterator[Notifiers]:
    """Yield a starter of notifier processes, and kill these processes at the end of the test."""
    (folder / "targets.yaml").write_text('- {region: "31", value: 200}\n', encoding="utf-8")
    settings = {
        **environment,
        "NOTIFIER_RULES_FILE": str(folder / "rules.yaml"),
        "NOTIFIER_TARGETS_FILE": str(folder / "targets.yaml"),
        "NOTIFIER_SMTP_PORT": str(mailbox.port),
        "NOTIFIER_WEBHOOKS": json.dumps({"control-room": {"url": receiver.url, "secret": SECRET}}),
        "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        "NOTIFIER_WEBHOOK_TIMEOUT_S": "3",
        "NOTIFIER_MAIL_TIMEOUT_S": "5",
        "NOTIFIER_RETRY_DELAY_S": "0.2",
        "NOTIFIER_OFFICER_KEY_HASH": hashlib.sha256(OFFICER_KEY.encode()).hexdigest(),
        "NOTIFIER_LINK_SECRET": "l" * 32,
    }
    test_notifiers = Notifiers(folder, settings)
    test_notifiers.write_rules(RULES)
    try:
        yield test_notifiers
    finally:
        test_notifiers.close()
