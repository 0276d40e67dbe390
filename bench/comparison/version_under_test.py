"""Runs one measurement in the checkout of one version, with that checkout's own package `bench`."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.comparison.command_in_session import run_in_session

OLDER_COMMIT_SCRIPT: Final = Path(__file__).with_name("older_checkout_script.py")
HELP_S_MAX: Final = 60.0
LOG_CHARACTERS_SHOWN: Final = 1_500
RUNTIME_FACTS_SCRIPT: Final = """
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
    """A measurement of a version gave no figures; the message contains the end of its log."""


class RuntimeMismatchError(RuntimeError):
    """The versions differ in Python or decoder, so a ratio would not compare only their code."""


@dataclass(frozen=True)
class RuntimeFacts:
    """The Python and the decoder with which a version runs, and where its code comes from."""

    python: str
    """The version number of its Python."""
    compiled: bool
    """Whether its aggregator has a decoder built by a C compiler."""
    own_code: bool
    """Whether its interpreter imports the services from its own folder."""


@dataclass(frozen=True)
class Checkout:
    """The files of one version in a folder, its interpreter, and its processes' environment variables."""

    name: str
    root: Path
    python: Path
    environment: Mapping[str, str]

    def runtime_facts(self) -> RuntimeFacts:
        """Run the checkout's interpreter to read its runtime facts. Raises MeasurementError."""
        return RuntimeFacts(**json.loads(self._output("-c", RUNTIME_FACTS_SCRIPT)))

    def has_ours_only(self) -> bool:
        """Return whether this version's `python -m bench` has the option --ours-only."""
        return "--ours-only" in self._output("-m", "bench", "--help")

    def command(self, path: str, scale: str, file: Path, ours_only: bool) -> list[str]:
        """Return the command that measures our system once, without rivals, and writes the figures."""
        if not ours_only:
            return [str(self.python), "-c", OLDER_COMMIT_SCRIPT.read_text("utf-8"), path, scale, str(file)]
        quick = ["--quick"] if scale == "quick" else []
        options = ["--path", path, "--pairs", "1", *quick, "--ours-only", str(file)]
        return [str(self.python), "-m", "bench", *options]

    def measure(self, path: str, scale: str, ours_only: bool) -> Mapping[str, float]:
        """Measure once and return the figures by name. Raises MeasurementError."""
        with tempfile.TemporaryDirectory(prefix="bench-against-") as folder:
            file, log = Path(folder) / "figures.json", Path(folder) / "log"
            status = self._run_logged(self.command(path, scale, file, ours_only), log)
            rounds = json.loads(file.read_text("utf-8")) if file.exists() else []
            if status or not rounds:
                end_of_log = log.read_text("utf-8", "replace")[-LOG_CHARACTERS_SHOWN:]
                raise MeasurementError(f"{self.name} gave no figures (exit status {status}):\n{end_of_log}")
        figures: Mapping[str, float] = rounds[0]["figures"]
        return figures

    def _run_logged(self, command: list[str], log: Path) -> int:
        with log.open("wb") as out:
            try:
                return run_in_session(command, self.root, self.environment, out)
            except TimeoutError as error:
                raise MeasurementError(f"{self.name}: {error}") from error

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


def check_same_runtime(reference: RuntimeFacts, here: RuntimeFacts) -> None:
    """Raise RuntimeMismatchError if something other than the services' code would influence the ratio."""
    if not (reference.own_code and here.own_code):
        which = "the reference" if here.own_code else "this version"
        raise RuntimeMismatchError(f"the interpreter of {which} imports the services from another folder")
    if reference.compiled != here.compiled:
        built, missing = (
            ("the reference", "this version") if reference.compiled else ("this version", "the reference")
        )
        raise RuntimeMismatchError(
            f"{built} has a decoder built by a C compiler, {missing} has none: run `make setup` for both "
            "on a machine with `cc`, or remove the built decoder"
        )
    if reference.python != here.python:
        raise RuntimeMismatchError(
            f"the reference runs on Python {reference.python}, this version on {here.python}"
        )
