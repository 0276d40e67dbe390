"""Builds the aggregator's compiled step where this machine can; where it cannot, all works without."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from deploy.local.paths import ROOT

SOURCE: Final = ROOT / "services/aggregator/decoding/compiled/decoder.pyx"
STALE: Final = ("*.c", "*.so")


def can_compile() -> bool:
    """Whether there is a C compiler, and what Python gives it to read."""
    return bool(shutil.which("cc")) and Path(sysconfig.get_path("include"), "Python.h").is_file()


def compile_step() -> None:
    """Build it beside its source. Raises CalledProcessError where the compiler refuses it."""
    for pattern in STALE:
        for old in SOURCE.parent.glob(pattern):
            old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable,
                "-c",
                _SETUP,
                "-q",
                "build_ext",
                "--build-temp",
                folder,
                "--build-lib",
                folder,
                "--inplace",
            ],
            cwd=ROOT / "services",
            check=True,
        )


_SETUP: Final = f"""
from Cython.Build import cythonize
from setuptools import setup
setup(packages=[], ext_modules=cythonize({str(SOURCE.relative_to(ROOT / "services"))!r}, quiet=True))
"""
