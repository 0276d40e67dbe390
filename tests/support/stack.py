"""The real processes of all services, on free ports over a test's own topics and database."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploy.local.commands import Command, clean_environment
from deploy.local.ports import free_ports
from deploy.local.processes import PROCESSES, Process, StackConfig
from tests.support.deadlines import until
from tests.support.log_files import tail
from tests.support.processes import Running

INSTANCES = ("", "-2", "-3")
PORTS = ("smtp", *(name + suffix for name in PROCESSES for suffix in INSTANCES))
READY_S_MAX = 45.0


def stack_config(
    folder: Path, databases: Mapping[str, str], kafka: Mapping[str, str], secrets: Mapping[str, str]
) -> StackConfig:
    """Free ports and a folder for a stack's processes."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    (folder / "secrets").mkdir(parents=True, exist_ok=True)
    (folder / "secrets" / "webhook_secret").write_text(secrets["webhook_secret"])
    return StackConfig(databases=databases, kafka=kafka, ports=ports, secrets=secrets, folder=folder)


class Stack:
    """Processes by name: those of the local stack, and further instances as `worker-2`, `api-2`.

    None is restarted unless `keep_running` asks for it. One that ends though nobody asked fails the test.
    """

    def __init__(self, stack_config: StackConfig) -> None:
        self._stack_config = stack_config
        self._running: dict[str, Running] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._launchers: dict[str, tuple[str, ...]] = {}

    @property
    def keys(self) -> Mapping[str, str]:
        """API keys by role: booth, officer, admin."""
        return self._stack_config.keys

    @property
    def folder(self) -> Path:
        """Where logs, mail and webhook calls are."""
        return self._stack_config.folder

    async def start(
        self,
        *names: str,
        env: Mapping[str, str] | None = None,
        wait: bool = True,
        deadline_s: float = READY_S_MAX,
    ) -> None:
        """Start processes side by side, with settings of one's own, and wait until each is ready."""
        for name in names:
            assert self._ended(name), f"{name} runs already"
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
        self._running[name] = Running(name, command, clean_environment(settings), self.log(name))

    def launch_by(self, name: str, *launcher: str) -> None:
        """From its next start on run a process through a module that takes its package and arguments."""
        self._launchers[name] = launcher

    def next_start(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """What settings a process gets on top when it is started again, by `keep_running` say."""
        self._environments[name] = dict(env or {})

    def _ended(self, name: str) -> bool:
        return name not in self._running or self._running[name].exit_code() is not None

    async def ready(self, name: str, deadline_s: float = READY_S_MAX) -> None:
        """Wait until a process says that it is ready; fails with the end of its log, at once if it ended."""
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
        if (said := self._running[name].unexpected_end()) is not None:
            raise AssertionError(said)

    def url(self, name: str) -> str:
        """Where a process serves HTTP."""
        return f"http://127.0.0.1:{self.port(name)}"

    def port(self, name: str) -> int:
        """The port of a process, or of `smtp`."""
        return self._stack_config.ports[name]

    def runs(self, name: str) -> bool:
        """Whether it has been started and has not ended."""
        return not self._ended(name)

    def log(self, name: str) -> Path:
        """The file of a process's log."""
        return self.folder / f"{name}.log"

    def pid(self, name: str) -> int:
        """The process id of a running process."""
        return self._running[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal; with SIGKILL the process is gone when this returns."""
        self._running[name].send(number)
        if number is signal.SIGKILL:
            self._running[name].finish()

    def stop(self, name: str) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        self._running[name].send(signal.SIGSTOP)

    def cont(self, name: str) -> None:
        """Let a stopped process go on."""
        self._running[name].send(signal.SIGCONT)

    async def terminate(self, name: str, deadline_s: float = 15.0) -> int:
        """Ask it to end (SIGTERM) and answer its exit code."""
        self._running[name].send(signal.SIGTERM)
        return await self.ended(name, deadline_s)

    async def ended(self, name: str, deadline_s: float = 30.0) -> int:
        """Wait until it ends by itself, at a crash point say; answers the exit code (-9: killed)."""
        return await self._running[name].ended(deadline_s)

    async def restart(
        self, *names: str, env: Mapping[str, str] | None = None, deadline_s: float = READY_S_MAX
    ) -> None:
        """Kill those that run (SIGKILL) and start them with `env` in place of their former extra settings."""
        for name in names:
            if not self._ended(name):
                self.kill(name)
        await self.start(*names, env=env, deadline_s=deadline_s)

    def keep_running(self, *names: str) -> None:
        """From now on start these again whenever they end, as supervisor does."""
        for name in names:
            self._running[name].may_end = True
            self._keepers.append(asyncio.create_task(self._keep(name)))

    async def _keep(self, name: str) -> None:
        while True:
            if self._ended(name):
                self._launch(name)
                self._running[name].may_end = True
            await asyncio.sleep(0.1)

    async def command(self, package: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run a service's one-shot command; answers what it printed, raises CommandFailed."""
        command = Command(self._stack_config, package, *arguments, env=env)
        return await asyncio.to_thread(command.result)

    def unexpected_ends(self) -> list[str]:
        """What to say of each process that ended though nobody asked."""
        return [said for running in self._running.values() if (said := running.unexpected_end()) is not None]

    def logs(self) -> dict[str, str]:
        """The end of each process's log."""
        return {name: tail(running.log) for name, running in self._running.items()}

    async def close(self) -> None:
        """End everything."""
        for keeper in self._keepers:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        for running in self._running.values():
            running.finish()


def _instance(name: str) -> Process:
    base = name.rpartition("-")[0] if name[-1].isdigit() else name
    return replace(PROCESSES[base], name=name)


def _answers_200(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (OSError, ValueError):  # an HTTPError is an OSError
        return False
