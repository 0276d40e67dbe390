"""One version of the system in a folder of its own: what runs it, and one measurement of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

OLDER: Final = Path(__file__).with_name("older_version.py")
TURN_S_MAX: Final = 1_800.0
HELP_S_MAX: Final = 60.0
INTERRUPT_S_MAX: Final = 15.0
LOG_CHARACTERS_SHOWN: Final = 1_500
PROBE: Final = """
import importlib.util, json, pathlib, platform, sysconfig
services = pathlib.Path("services").resolve()
suffix = sysconfig.get_config_var("EXT_SUFFIX")
print(json.dumps({
    "python": platform.python_version(),
    "compiled": any(services.glob("aggregator/**/*" + suffix)),
    "own_code": all(
        services in pathlib.Path(importlib.util.find_spec(name).origin).resolve().parents
        for name in ("registration.__main__", "aggregator.__main__", "notifier.__main__", "board.__main__")
    ),
}))
"""


class MeasurementError(RuntimeError):
    """A version gave no figures; the message holds the end of its log."""


class VersionsDifferError(RuntimeError):
    """The two versions run in different ways, so a ratio would say nothing about the code."""


@dataclass(frozen=True)
class Facts:
    """How a version runs."""

    python: str
    compiled: bool
    """Whether its aggregator has a decoder built by a C compiler."""
    own_code: bool
    """Whether its interpreter imports the services from its own folder."""


@dataclass(frozen=True)
class Version:
    """A checkout and its interpreter. `environment` is what its processes see."""

    name: str
    root: Path
    python: Path
    environment: Mapping[str, str]

    def facts(self) -> Facts:
        """Ask its interpreter. Raises MeasurementError."""
        return Facts(**json.loads(self._output("-c", PROBE)))

    def has_ours_only(self) -> bool:
        """Whether its command line can measure ours without rivals."""
        return "--ours-only" in self._output("-m", "bench", "--help")

    def command(self, path: str, scale: str, file: Path, ours_only: bool) -> list[str]:
        """One measurement of ours in a world of its own; the figures go to `file`."""
        if not ours_only:
            return [str(self.python), "-c", OLDER.read_text("utf-8"), path, scale, str(file)]
        quick = ["--quick"] if scale == "quick" else []
        options = ["--path", path, "--pairs", "1", *quick, "--ours-only", str(file)]
        return [str(self.python), "-m", "bench", *options]

    def measure(self, path: str, scale: str, ours_only: bool) -> Mapping[str, float]:
        """Measure once; figures by name. Raises MeasurementError."""
        with tempfile.TemporaryDirectory(prefix="bench-against-") as folder:
            file, log = Path(folder) / "figures.json", Path(folder) / "log"
            with log.open("wb") as out:
                status = run_to_end(
                    self.command(path, scale, file, ours_only), self.root, self.environment, out
                )
            rounds = json.loads(file.read_text("utf-8")) if file.exists() else []
            if status or not rounds:
                end_of_log = log.read_text("utf-8", "replace")[-LOG_CHARACTERS_SHOWN:]
                raise MeasurementError(f"{self.name} gave no figures (exit status {status}):\n{end_of_log}")
        figures: Mapping[str, float] = rounds[0]["figures"]
        return figures

    def _output(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.root,
            env={**self.environment, "COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=HELP_S_MAX,
            check=False,
        )
        if done.returncode:
            raise MeasurementError(f"{self.name}: {done.stderr[-LOG_CHARACTERS_SHOWN:]}")
        return done.stdout


def check_alike(reference: Facts, here: Facts) -> None:
    """Raises VersionsDifferError where something other than the code would make the difference."""
    if not (reference.own_code and here.own_code):
        which = "the reference" if here.own_code else "this version"
        raise VersionsDifferError(f"the interpreter of {which} imports the services from another folder")
    if reference.compiled != here.compiled:
        built, missing = (
            ("the reference", "this version") if reference.compiled else ("this version", "the reference")
        )
        raise VersionsDifferError(
            f"{built} has a decoder built by a C compiler, {missing} has none: run `make setup` for both "
            "where `cc` is, or remove the built one"
        )
    if reference.python != here.python:
        raise VersionsDifferError(
            f"the reference runs on Python {reference.python}, this version on {here.python}"
        )


def run_to_end(
    command: list[str],
    root: Path,
    environment: Mapping[str, str],
    out: IO[bytes] | int | None,
    end_s: float = TURN_S_MAX,
) -> int:
    """Run in a session of its own, and leave no process of it behind, also after Ctrl-C; its exit status.

    The terminal's Ctrl-C does not reach the session: it would end servers before their clients. Only the
    first process is interrupted, and ends its servers itself. Raises MeasurementError, KeyboardInterrupt.
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
        return process.wait(end_s)
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"no figures within {end_s:.0f} s: {command[:5]}") from error
    finally:
        _interrupt(process)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    # asyncio cancels on the first interrupt; the second also ends code that does not await.
    for _ in range(2):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                process.wait(INTERRUPT_S_MAX)
