"""The checkout of the reference commit, below `.local/bench/against`, set up by its own `make setup`.

The files come from `git archive`, so git does not track the checkout and its folder may be removed at any
time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.comparison.command_in_session import run_in_session
from bench.comparison.version_under_test import Checkout
from deploy.local.paths import locked

SETUP_S_MAX: Final = 1_800.0
NOT_INHERITED: Final = frozenset(
    {
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "LOCAL_DIR",
        "KAFKA_CACHE_DIR",
        "MAKEFLAGS",
        "MFLAGS",
        "MAKEOVERRIDES",
        "MAKELEVEL",
    }
)
"""Variables that would make the reference use this version's files or the options of this `make`."""
HASH_CHARACTERS_SHOWN: Final = 8


class NoReferenceError(RuntimeError):
    """The commit does not exist, or its `make setup` failed."""


def prepare(ref: str, repository: Path, folder: Path) -> Checkout:
    """Check out and set up the commit `ref` below `folder`; a later run reuses the checkout.

    Raises NoReferenceError.
    """
    sha = resolve(ref, repository)
    with locked(folder / f"{sha}.lock"):
        root = extract(sha, repository, folder)
        environment = inherited(os.environ)
        command = ["make", "--silent", "setup", f"PYTHON={base_python()}"]
        try:
            status = run_in_session(command, root, environment, None, SETUP_S_MAX)
        except TimeoutError as error:
            raise NoReferenceError(f"`make setup` in {root}: {error}") from error
        if status:
            raise NoReferenceError(f"`make setup` in {root} ended with {status}")
    return Checkout(sha[:HASH_CHARACTERS_SHOWN], root, root / ".venv" / "bin" / "python", environment)


def resolve(ref: str, repository: Path) -> str:
    """Return the full hash of the commit `ref`. Raises NoReferenceError."""
    words = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    done = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoReferenceError(f"unknown commit {ref!r}")
    return done.stdout.strip()


def extract(sha: str, repository: Path, folder: Path) -> Path:
    """Write the commit's files to `folder`/sha. An existing checkout is kept, with its .venv."""
    root = folder / sha
    if root.exists():
        return root
    partial = folder / f"{sha}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tempfile.TemporaryFile() as archive:
        subprocess.run(["git", "archive", "--format=tar", sha], cwd=repository, stdout=archive, check=True)
        archive.seek(0)
        subprocess.run(["tar", "-x", "-C", partial], stdin=archive, check=True)
    partial.rename(root)
    return root


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment without the variables in NOT_INHERITED."""
    return {name: value for name, value in environment.items() if name not in NOT_INHERITED}


def base_python() -> Path:
    """Return the Python that created this version's .venv: both versions must run on the same Python."""
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
