"""Runs a command in its own session and leaves no process of that session behind, even after Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

COMMAND_S_MAX: Final = 1_800.0
INTERRUPT_S_MAX: Final = 15.0


def run_in_session(
    command: list[str],
    root: Path,
    environment: Mapping[str, str],
    out: IO[bytes] | int | None,
    timeout_s: float = COMMAND_S_MAX,
) -> int:
    """Run the command in the folder `root` and return its exit status.

    The terminal's Ctrl-C would end the command's servers before their clients. It does not reach processes of
    another session; so this function interrupts only the command itself, which then ends its servers.

    Raises TimeoutError if the command does not end in time, and KeyboardInterrupt after Ctrl-C.
    """
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=None if out is None else subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"no result within {timeout_s:.0f} s: {command[:5]}") from error
    finally:
        _interrupt(process)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    # The first interrupt makes asyncio cancel its tasks; the second also ends code that does not await.
    for _ in range(2):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                process.wait(INTERRUPT_S_MAX)
