"""Real notifier processes for tests: started, killed, awaited, and always ended."""

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

from deploy.local.ports import free_ports
from tests.support.deadlines import until as until_within
from tests.support.log_files import tail
from tests.support.notifier.receivers import SECRET, Mailbox, Receiver

# A busy machine takes its time to start a process; what is quick still ends quickly.
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
    """One process."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where its interface is."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait(10)

    def ended(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    async def killed_itself(self) -> None:
        """Wait until the process has died at its failpoint."""
        await until(self.ended, name="the process dies at its failpoint")
        assert self.process.returncode == -signal.SIGKILL, tail(self.log)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 60)

    async def ready(self) -> None:
        """Wait until it has a cut and its database."""

        async def answers() -> bool:
            assert not self.ended(), tail(self.log)
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{self.url}/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

        await until(answers, name="the notifier is ready")


@dataclass
class Notifiers:
    """Starts `python -m notifier run` with this test's settings."""

    folder: Path
    environment: Mapping[str, str]
    running: list[NotifierProcess] = field(default_factory=list)

    def write_rules(self, text: str) -> None:
        """Replace the rules of processes started from now on."""
        (self.folder / "rules.yaml").write_text(text, encoding="utf-8")

    def start(self, crash_at: str = "", **settings: str) -> NotifierProcess:
        """Start one; settings given here come on top."""
        port = free_ports(1)[0]
        log = self.folder / f"notifier-{len(self.running)}.log"
        environment = {
            **os.environ,
            **self.environment,
            "NOTIFIER_PORT": str(port),
            "NOTIFIER_CRASH_AT": crash_at,
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
        self.running.append(NotifierProcess(port, log, process))
        return self.running[-1]

    def close(self) -> None:
        """End all that still run, and show the end of their logs."""
        for one in self.running:
            if not one.ended():
                one.kill()
            print(tail(one.log))  # noqa: T201 - pytest shows it with a failure


def notifiers(
    folder: Path, environment: Mapping[str, str], mailbox: Mailbox, receiver: Receiver
) -> Iterator[Notifiers]:
    """Processes that end with the test."""
    (folder / "targets.yaml").write_text('- {region: "31", value: 200}\n', encoding="utf-8")
    settings = {
        **environment,
        "NOTIFIER_RULES_FILE": str(folder / "rules.yaml"),
        "NOTIFIER_TARGETS_FILE": str(folder / "targets.yaml"),
        "NOTIFIER_SMTP_PORT": str(mailbox.port),
        "NOTIFIER_WEBHOOKS": json.dumps({"control-room": {"url": receiver.url, "secret": SECRET}}),
        "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        "NOTIFIER_WEBHOOK_TIMEOUT_S": "3",
        "NOTIFIER_RETRY_DELAY_S": "0.2",
        "NOTIFIER_STALLED_S": "3",
        "NOTIFIER_OFFICER_KEY_HASH": hashlib.sha256(OFFICER_KEY.encode()).hexdigest(),
        "NOTIFIER_LINK_SECRET": "l" * 32,
    }
    started = Notifiers(folder, settings)
    started.write_rules(RULES)
    try:
        yield started
    finally:
        started.close()
