"""A real broker for tests: started fresh, and broken on demand."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import kafka
from deploy.local.ports import free_ports
from tests.support.log_files import tail


class Broker:
    """One running broker. Signals act at once; what waits is awaited."""

    def __init__(
        self, folder: Path, *, session_timeout_ms: int, node_id: int = 1, controllers: tuple[int, ...] = ()
    ) -> None:
        self._log = folder / "kafka.log"
        self._copy = folder / "kafka.copy"
        port, own_controller = free_ports(2)
        self._settings = kafka.Broker(
            folder / "kafka",
            port,
            controllers[node_id - 1] if controllers else own_controller,
            heap_mb=384,
            session_timeout_ms=session_timeout_ms,
            node_id=node_id,
            controllers=controllers,
            # It lives for a minute: the second compiler would only take the cores from the test.
            java_options=("-XX:TieredStopAtLevel=1",),
        )
        self._settings.prepare()
        self._process = self._launch()

    @property
    def bootstrap_servers(self) -> str:
        """Host and port, as clients take it."""
        return self._settings.bootstrap_servers

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as out:
            return subprocess.Popen(self._settings.command(), stdout=out, stderr=out)

    def wait_ready(self, deadline_s: float = 60.0) -> None:
        """Wait until it answers, in a loop of its own: a session's fixture has none."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self.ready(deadline_s))).result()

    async def ready(self, deadline_s: float = 60.0) -> None:
        """Wait until it answers; fails with the end of its log."""
        try:
            await self._settings.wait_ready(deadline_s)
        except kafka.BrokerError as error:
            raise AssertionError(f"{error}\n{tail(self._log)}") from error

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP): connections stay open and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused broker go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it (SIGKILL); its data stays."""
        self._process.kill()
        self._process.wait(10)

    async def restart(self, deadline_s: float = 60.0) -> None:
        """Start it on the same port and data, after killing it where it runs; returns when it answers."""
        self.kill()
        self._process = self._launch()
        await self.ready(deadline_s)

    def copy(self) -> None:
        """Keep a copy of what a killed broker stores, in place of the one before."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._settings.data, self._copy)

    def bring_back(self) -> None:
        """Put the copy in the place of what a killed broker stores."""
        shutil.rmtree(self._settings.data)
        shutil.copytree(self._copy, self._settings.data)

    def close(self) -> None:
        """End it for good. Its data is thrown away by whoever owns the folder: no need to stop gently."""
        self.kill()
