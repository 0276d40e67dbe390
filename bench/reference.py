"""A reference version: a commit's files below `.local/bench/against`, set up by its own `make setup`.

The files come from `git archive`, so git keeps no note of them and the folder may be removed at any time.
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

from bench.version import Version, run_to_end
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
"""These would lead the reference to this version's files, or pass on the options of this run's make."""
SHORT: Final = 8


class NoReferenceError(RuntimeError):
    """There is no such commit, or its `make setup` failed."""


def prepare(ref: str, repository: Path, folder: Path) -> Version:
    """Make the version of `ref` ready below `folder`, where the next run finds it.

    Raises NoReferenceError.
    """
    sha = resolve(ref, repository)
    with locked(folder / f"{sha}.lock"):
        root = extract(sha, repository, folder)
        environment = inherited(os.environ)
        command = ["make", "--silent", "setup", f"PYTHON={base_python()}"]
        if status := run_to_end(command, root, environment, None, SETUP_S_MAX):
            raise NoReferenceError(f"`make setup` in {root} ended with {status}")
    return Version(sha[:SHORT], root, root / ".venv" / "bin" / "python", environment)


def resolve(ref: str, repository: Path) -> str:
    """The commit's full hash. Raises NoReferenceError."""
    words = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    done = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoReferenceError(f"no commit is called {ref!r}")
    return done.stdout.strip()


def extract(sha: str, repository: Path, folder: Path) -> Path:
    """Write the commit's files to `folder`/sha once; what is there already is kept, with its .venv."""
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
    """The caller's environment without what belongs to this version."""
    return {name: value for name, value in environment.items() if name not in NOT_INHERITED}


def base_python() -> Path:
    """The Python that this version's .venv was made with: both must run on the same."""
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
