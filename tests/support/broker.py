"""A real Kafka broker for tests, which can be paused, killed and restored from a copy."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import kafka
from tests.support.log_files import tail
from tests.support.ports import free_ports


class Broker:
    """A running broker. Methods that send a signal return at once; most methods that wait are coroutines."""

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
            group_session_timeout_ms_min=1_000,
            node_id=node_id,
            controllers=controllers,
            # Without Java's second compiler, which would not pay off: the broker runs for only a minute.
            java_options=("-XX:TieredStopAtLevel=1",),
        )
        self._settings.prepare()
        self._process = self._launch()

    @property
    def bootstrap_servers(self) -> str:
        """The host and port, in the form of the client setting bootstrap.servers."""
        return self._settings.bootstrap_servers

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as out:
            return subprocess.Popen(self._settings.command(), stdout=out, stderr=out)

    def wait_ready(self, deadline_s: float = 120.0) -> None:
        """Wait until the broker answers, in a new event loop, because a session fixture has none."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self.ready(deadline_s))).result()

    async def ready(self, deadline_s: float = 120.0) -> None:
        """Wait until the broker answers. If it does not, fail with the end of its log."""
        try:
            await self._settings.wait_ready(deadline_s)
        except kafka.BrokerError as error:
            raise AssertionError(f"{error}\n{tail(self._log)}") from error

    def pause(self) -> None:
        """Suspend the broker (SIGSTOP). Its connections stay open, and it answers no request."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume a paused broker (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the broker (SIGKILL). Its data stays on the disk."""
        self._process.kill()
        self._process.wait(60)

    async def restart(self, deadline_s: float = 120.0) -> None:
        """Kill the broker if it runs, start it with the same port and data, and wait until it answers."""
        self.kill()
        self._process = self._launch()
        await self.ready(deadline_s)

    def store_copy(self) -> None:
        """Copy the data of the killed broker. The new copy replaces the previous one."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._settings.data, self._copy)

    def restore_copy(self) -> None:
        """Replace the data of the killed broker by the copy."""
        shutil.rmtree(self._settings.data)
        shutil.copytree(self._copy, self._settings.data)

    def close(self) -> None:
        """Kill the broker. No clean shutdown is needed, because the owner of the folder deletes the data."""
        self.kill()
