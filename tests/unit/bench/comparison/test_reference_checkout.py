from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.comparison.command_in_session import run_in_session
from bench.comparison.reference_checkout import NoReferenceError, inherited, prepare, resolve
from bench.comparison.version_under_test import (
    Checkout,
    MeasurementError,
    RuntimeFacts,
    RuntimeMismatchError,
    check_same_runtime,
)

MAKEFILE = "setup:\n\t@env > environment\n\t@echo once more >> setups\n"
LEAVES_CHILD_RUNNING = """
import pathlib, subprocess, sys
child = subprocess.Popen(["sleep", "600"])
pathlib.Path("pid").write_text(str(child.pid))
{then}
"""
DEADLINE_S = 60.0


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit, whose `make setup` notes each run in a file."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "Makefile").write_text(MAKEFILE)
    (root / "file").write_text("committed")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "First"]):
        subprocess.run(["git", *identity, *words], cwd=root, check=True)
    (root / "file").write_text("edited afterwards")
    return root


def test_a_reference_has_the_committed_files_and_its_own_interpreter(
    repository: Path, tmp_path: Path
) -> None:
    version = prepare("HEAD", repository, tmp_path / "against")

    assert (version.root / "file").read_text() == "committed"
    assert version.root == tmp_path / "against" / resolve("HEAD", repository)
    assert version.python == version.root / ".venv" / "bin" / "python"


def test_a_second_run_reuses_the_checkout_and_sets_it_up_again(repository: Path, tmp_path: Path) -> None:
    first = prepare("HEAD", repository, tmp_path / "against")
    (first.root / ".venv").mkdir()
    second = prepare("HEAD", repository, tmp_path / "against")

    assert second == first
    assert (second.root / ".venv").is_dir()
    assert (second.root / "setups").read_text() == "once more\n" * 2


def test_an_unknown_commit_is_refused_by_name(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(NoReferenceError, match="no-such-commit"):
        prepare("no-such-commit", repository, tmp_path / "against")


def test_a_failed_setup_is_reported_with_its_status(repository: Path, tmp_path: Path) -> None:
    root = prepare("HEAD", repository, tmp_path / "against").root
    (root / "Makefile").write_text("setup:\n\t@exit 3\n")

    with pytest.raises(NoReferenceError, match="make setup"):
        prepare("HEAD", repository, tmp_path / "against")


def test_a_reference_inherits_no_variable_that_points_to_this_versions_files() -> None:
    environment = {"PATH": "/bin", "PYTHONPATH": "services", "LOCAL_DIR": "x", "MAKEFLAGS": " -- REF=x"}

    assert inherited(environment) == {"PATH": "/bin"}


def test_versions_with_the_same_runtime_are_compared() -> None:
    check_same_runtime(RuntimeFacts("3.11.7", True, True), RuntimeFacts("3.11.7", True, True))


@pytest.mark.parametrize(
    ("reference", "here", "words"),
    [
        (
            RuntimeFacts("3.11.7", True, True),
            RuntimeFacts("3.11.7", False, True),
            "the reference has a decoder built",
        ),
        (
            RuntimeFacts("3.11.7", False, True),
            RuntimeFacts("3.11.7", True, True),
            "this version has a decoder built",
        ),
        (RuntimeFacts("3.11.7", True, True), RuntimeFacts("3.12.1", True, True), "3.12.1"),
        (
            RuntimeFacts("3.11.7", True, False),
            RuntimeFacts("3.11.7", True, True),
            "interpreter of the reference",
        ),
        (
            RuntimeFacts("3.11.7", True, True),
            RuntimeFacts("3.11.7", True, False),
            "interpreter of this version",
        ),
    ],
)
def test_versions_with_different_runtimes_are_refused(
    reference: RuntimeFacts, here: RuntimeFacts, words: str
) -> None:
    with pytest.raises(RuntimeMismatchError, match=words):
        check_same_runtime(reference, here)


def test_an_older_version_is_measured_through_the_names_its_command_line_imports(tmp_path: Path) -> None:
    write_bench(tmp_path, OLDER_BENCH)
    version = Checkout("older", tmp_path, Path(sys.executable), inherited(os.environ))

    assert version.measure("road", "quick", ours_only=False) == {"rate": 7.0}


def test_a_version_without_figures_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    write_bench(tmp_path, "raise OSError('no broker')")
    version = Checkout("older", tmp_path, Path(sys.executable), inherited(os.environ))

    with pytest.raises(MeasurementError, match="OSError: no broker"):
        version.measure("road", "quick", ours_only=False)


def test_no_process_outlives_a_measurement(tmp_path: Path) -> None:
    status = run_in_session(python(LEAVES_CHILD_RUNNING.format(then="")), tmp_path, os.environ, None)

    assert status == 0
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_no_process_outlives_an_interrupt(tmp_path: Path) -> None:
    waiting = python(LEAVES_CHILD_RUNNING.format(then="child.wait()"))
    threading.Thread(target=interrupt_once, args=(tmp_path / "pid",)).start()

    with pytest.raises(KeyboardInterrupt):
        run_in_session(waiting, tmp_path, os.environ, subprocess.DEVNULL)

    assert has_ended(int((tmp_path / "pid").read_text()))


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    waiting = python(LEAVES_CHILD_RUNNING.format(then="child.wait()"))

    with pytest.raises(TimeoutError, match="within 2 s"):
        run_in_session(waiting, tmp_path, os.environ, subprocess.DEVNULL, timeout_s=2.0)

    assert has_ended(int((tmp_path / "pid").read_text()))


OLDER_BENCH = """
from contextlib import asynccontextmanager
from enum import Enum
from types import SimpleNamespace


class Scale(Enum):
    QUICK = "quick"


@asynccontextmanager
async def opened(scale):
    yield scale


async def ours(setup):
    assert setup is Scale.QUICK, setup
    return SimpleNamespace(figures={"rate": 7.0})


def find(names):
    assert names == ["road"], names
    return [SimpleNamespace(open=opened, ours=SimpleNamespace(run=ours))]
"""


def write_bench(root: Path, text: str) -> None:
    """Write a package `bench` whose `__main__` is this text."""
    (root / "bench").mkdir()
    (root / "bench" / "__init__.py").touch()
    (root / "bench" / "__main__.py").write_text(text)


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def interrupt_once(file: Path) -> None:
    """Send this process the signal of Ctrl-C as soon as the file has content."""
    ends = time.monotonic() + DEADLINE_S
    while not (file.exists() and file.read_text()) and time.monotonic() < ends:
        threading.Event().wait(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def has_ended(pid: int) -> bool:
    """Return whether the process ends before the deadline; a zombie counts as ended."""
    ends = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        threading.Event().wait(0.01)
    return False
