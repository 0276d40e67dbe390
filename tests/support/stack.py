"""The real processes of all services. They listen on free ports and use a test's topics and database."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from database.address import DatabaseAddress
from deploy.local.one_shot_commands import Command, clean_environment
from deploy.local.process_definitions import PROCESSES, Process, StackConfig
from tests.support.deadlines import until
from tests.support.log_files import tail
from tests.support.ports import free_ports
from tests.support.service_process import TrackedProcess

INSTANCES = ("", "-2", "-3")
PORTS = ("smtp", *(name + suffix for name in PROCESSES for suffix in INSTANCES))
READY_S_MAX = 90.0
BACK_OFF_S = 10.0
BACK_OFF_S_MAX = 300.0


def stack_config(
    folder: Path,
    databases: Mapping[str, DatabaseAddress],
    kafka: Mapping[str, str],
    secrets: Mapping[str, str],
) -> StackConfig:
    """Return the configuration of a stack's processes: free ports, a folder, databases and secrets."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    (folder / "secrets").mkdir(parents=True, exist_ok=True)
    (folder / "secrets" / "webhook_secret").write_text(secrets["webhook_secret"])
    return StackConfig(databases=databases, kafka=kafka, ports=ports, secrets=secrets, folder=folder)


class Stack:
    """Starts processes by name and sends them signals.

    The names are those of the local stack. A name such as `worker-2` means another process of the same kind.
    A process that ends is restarted only if `keep_running` was called. A test fails if a process ends
    unexpectedly.
    """

    def __init__(self, stack_config: StackConfig) -> None:
        self._stack_config = stack_config
        self._running: dict[str, TrackedProcess] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._launchers: dict[str, tuple[str, ...]] = {}
        self._held_down: set[str] = set()
        self.backs_off = False
        """Whether processes that `keep_running` keeps are restarted after 10, 20, 40 … s, as Kubernetes does.

        If False, they are restarted at once, as supervisor does.
        """

    @property
    def keys(self) -> Mapping[str, str]:
        """The API keys by role: booth, officer, admin."""
        return self._stack_config.keys

    @property
    def folder(self) -> Path:
        """The folder of logs, mail and webhook calls."""
        return self._stack_config.folder

    async def start(
        self,
        *names: str,
        env: Mapping[str, str] | None = None,
        wait: bool = True,
        deadline_s: float = READY_S_MAX,
    ) -> None:
        """Start processes in parallel, with `env` as more settings; if `wait`, wait until all are ready."""
        for name in names:
            assert self._ended(name), f"{name} is already running"
            self._environments[name] = dict(env or {})
            self._launch(name)
        if wait:
            await asyncio.gather(*(self.ready(name, deadline_s) for name in names))

    def _launch(self, name: str) -> None:
        process = _instance(name)
        settings = {**self._stack_config.settings(process), **self._environments[name]}
        python, *arguments = self._stack_config.command(process)
        launcher = self._launchers.get(name)
        command = [python, "-m", *launcher, *arguments[1:]] if launcher else [python, *arguments]
        self._running[name] = TrackedProcess(name, command, clean_environment(settings), self.log(name))

    def launch_through(self, name: str, *launcher: str) -> None:
        """From its next start on, run a process by a launcher module.

        The launcher gets the package and arguments of the process.
        """
        self._launchers[name] = launcher

    def next_start(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """Set a process's additional settings for its next start, by a call or by `keep_running`."""
        self._environments[name] = dict(env or {})

    def _ended(self, name: str) -> bool:
        return name not in self._running or self._running[name].exit_code() is not None

    async def ready(self, name: str, deadline_s: float = READY_S_MAX) -> None:
        """Wait until a process reports ready. If it does not, or if it ends, fail with the end of its log."""
        path = "/health/ready" if _instance(name).is_service else "/"
        url = self.url(name) + path

        def it_is_ready_or_ended() -> bool:
            return _answers_200(url) or self._ended(name)

        try:
            await until(
                lambda: asyncio.to_thread(it_is_ready_or_ended), deadline_s, name=f"{name} is ready at {url}"
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{tail(self.log(name))}") from error
        if (message := self._running[name].unexpected_end()) is not None:
            raise AssertionError(message)

    def url(self, name: str) -> str:
        """Return the base URL of a process."""
        return f"http://127.0.0.1:{self.port(name)}"

    def port(self, name: str) -> int:
        """Return the port of a process, or the SMTP port for the name `smtp`."""
        return self._stack_config.ports[name]

    def is_running(self, name: str) -> bool:
        """Whether the process was started and has not ended."""
        return not self._ended(name)

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.folder / f"{name}.log"

    def pid(self, name: str) -> int:
        """Return the process id of a running process."""
        return self._running[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process. If it is SIGKILL, wait until the process has ended."""
        self._running[name].send(number)
        if number is signal.SIGKILL:
            self._running[name].finish()

    def suspend(self, name: str) -> None:
        """Suspend a process (SIGSTOP)."""
        self._running[name].send(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Resume a suspended process (SIGCONT)."""
        self._running[name].send(signal.SIGCONT)

    async def terminate(self, name: str, deadline_s: float = 30.0) -> int:
        """Terminate a process (SIGTERM) and return its exit code."""
        self._running[name].send(signal.SIGTERM)
        return await self.ended(name, deadline_s)

    async def ended(self, name: str, deadline_s: float = 60.0) -> int:
        """Wait until a process ends by itself, perhaps at a failpoint; return its exit code (-9: SIGKILL)."""
        return await self._running[name].ended(deadline_s)

    async def restart(
        self, *names: str, env: Mapping[str, str] | None = None, deadline_s: float = READY_S_MAX
    ) -> None:
        """Kill the named processes that run (SIGKILL). Then start all, with `env` as additional settings."""
        for name in names:
            if not self._ended(name):
                self.kill(name)
        await self.start(*names, env=env, deadline_s=deadline_s)

    def keep_running(self, *names: str) -> None:
        """From now on restart each of these processes whenever it ends."""
        for name in names:
            self._running[name].may_end = True
            self._keepers.append(asyncio.create_task(self._keep(name)))

    async def _keep(self, name: str) -> None:
        restarts = 0
        while True:
            if not self.backs_off:
                restarts = 0
            elif self._ended(name):
                await asyncio.sleep(min(BACK_OFF_S * 2**restarts, BACK_OFF_S_MAX))
                restarts += 1
            if self._ended(name) and name not in self._held_down:
                self._launch(name)
                self._running[name].may_end = True
            await asyncio.sleep(0.1)

    @asynccontextmanager
    async def held_down(self, *names: str) -> AsyncIterator[None]:
        """Kill the processes, and do not restart them before the block ends."""
        self._held_down.update(names)
        try:
            for name in names:
                self.kill(name)
            yield
        finally:
            self._held_down.difference_update(names)

    async def command(self, package: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run a service's command and return its output. Raises CommandError if the command fails."""
        command = Command(self._stack_config, package, *arguments, env=env)
        return await asyncio.to_thread(command.result)

    def unexpected_ends(self) -> list[str]:
        """Return a message for each process that ended unexpectedly."""
        return [
            message for process in self._running.values() if (message := process.unexpected_end()) is not None
        ]

    def logs(self) -> dict[str, str]:
        """Return the end of each process's log."""
        return {name: tail(process.log) for name, process in self._running.items()}

    async def close(self) -> None:
        """End all processes."""
        for keeper in self._keepers:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        for process in self._running.values():
            process.finish()


def _instance(name: str) -> Process:
    base = name.rpartition("-")[0] if name[-1].isdigit() else name
    return replace(PROCESSES[base], name=name)


def _answers_200(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (OSError, ValueError):  # an HTTPError is an OSError
        return False
