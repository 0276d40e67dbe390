"""A real process under test: its log, its signals, and whether its end was expected."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.deadlines import until
from tests.support.log_files import tail


class TrackedProcess:
    """A started process. Its end is unexpected unless the test asked for it or set a failpoint."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.may_end = any(key.endswith("_CRASH_AT") and value for key, value in environment.items())
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, env=dict(environment), stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the exit code: None while the process runs, minus the signal's number after a signal."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal. After any signal but SIGSTOP and SIGCONT, the end of the process is expected."""
        if number not in (signal.SIGSTOP, signal.SIGCONT):
            self.may_end = True
        self._process.send_signal(number)

    async def ended(self, deadline_s: float) -> int:
        """Wait until the process ends, and return its exit code. From now on its end is expected."""
        self.may_end = True

        def it_ended() -> bool:
            return self.exit_code() is not None

        try:
            await until(it_ended, deadline_s, every_s=0.02, name=f"{self.name} ended")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{tail(self.log)}") from error
        code = self.exit_code()
        assert code is not None
        return code

    def unexpected_end(self) -> str | None:
        """Return a message with the log if the process ended unexpectedly, else None."""
        code = self.exit_code()
        if code is None or self.may_end:
            return None
        return f"{self.name} ended by itself with {code}\n{tail(self.log)}"

    def finish(self) -> None:
        """Kill the process if it runs, and reap it."""
        if self.exit_code() is None:
            self._process.kill()
        self._process.wait(60)
