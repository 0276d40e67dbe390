"""Builds the aggregator's compiled decoder if this machine has a C compiler.

Without the compiled decoder, the aggregator decodes in pure Python.
"""

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
    """Return whether this machine has a C compiler and Python's header files."""
    return bool(shutil.which("cc")) and Path(sysconfig.get_path("include"), "Python.h").is_file()


def compile_step() -> None:
    """Build the decoder beside its source. Raises CalledProcessError if the compiler fails."""
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
