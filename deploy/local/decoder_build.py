"""Builds the aggregator's compiled decoder; the image build runs `python -m deploy.local.decoder_build`.

Without the compiled decoder, the aggregator decodes in pure Python.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aggregator.decoding.compiled import SOURCES, source_digest

SERVICES: Final = SOURCES.parents[2]
STALE: Final = ("*.c", "*.so")
OPTIMIZED: Final = ("-O3",)


def can_compile() -> bool:
    """Return whether this machine has a C compiler and Python's header files."""
    return bool(shutil.which("cc")) and Path(sysconfig.get_path("include"), "Python.h").is_file()


def compile_step(folder: Path = SOURCES, flags: Sequence[str] = OPTIMIZED) -> None:
    """Build the decoder's modules into `folder`. Raises CalledProcessError if the compiler fails."""
    with tempfile.TemporaryDirectory() as build:
        names = [path.stem for path in sorted(SOURCES.glob("*.pyx"))]
        arguments = json.dumps([names, list(flags), source_digest(), build])
        command = [sys.executable, "-c", _SETUP, arguments, "-q", "build_ext"]
        command += ["--build-temp", build, "--build-lib", build]
        subprocess.run(command, cwd=SERVICES, check=True)
        folder.mkdir(parents=True, exist_ok=True)
        for pattern in STALE:
            for old in folder.glob(pattern):
                old.unlink()
        for built in (Path(build) / "aggregator/decoding/compiled").glob("*.so"):
            shutil.move(built, folder / built.name)


_SETUP: Final = """
import json, sys
from Cython.Build import cythonize
from setuptools import Extension, setup
names, flags, digest, folder = json.loads(sys.argv.pop(1))
modules = [
    Extension(
        f"aggregator.decoding.compiled.{name}",
        [f"aggregator/decoding/compiled/{name}.pyx"],
        extra_compile_args=flags,
        extra_link_args=flags,
        define_macros=[("SOURCE_DIGEST", f'"{digest}"')],
    )
    for name in names
]
directives = {"language_level": 3, "boundscheck": False, "wraparound": False, "initializedcheck": False}
directives["cdivision"] = True
modules = cythonize(modules, build_dir=folder, compiler_directives=directives, quiet=True)
setup(packages=[], ext_modules=modules)
"""


if __name__ == "__main__":
    compile_step()
