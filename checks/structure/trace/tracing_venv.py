"""Creates a tracing interpreter: a virtual environment with a checkout's packages and the profile hook.

The local stack starts each process with `sys.executable`, so all processes are traced if the stack itself
runs on this interpreter.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

from checks.structure.trace import profile_hook

MODULE: Final = "structure_trace_hook"
LOCATIONS_SCRIPT: Final = """
import json, site, sys
print(json.dumps([sys._base_executable, site.getsitepackages()]))
"""


def make_interpreter(python: Path, folder: Path, services: Path) -> Path:
    """Create the interpreter below `folder`, with the packages of `python`; `folder` also gets the logs."""
    base, site_packages = json.loads(_output([str(python), "-c", LOCATIONS_SCRIPT]))
    _output([base, "-m", "venv", "--without-pip", str(folder / "venv")])
    interpreter = folder / "venv" / "bin" / "python"
    _, (own, *_) = json.loads(_output([str(interpreter), "-c", LOCATIONS_SCRIPT]))
    shutil.copy(Path(profile_hook.__file__), Path(own) / f"{MODULE}.py")
    added = "; ".join(f"site.addsitedir({path!r})" for path in site_packages)
    (Path(own) / "1-packages.pth").write_text(f"import site; {added}\n")
    installed = f"{MODULE}.install({str(folder)!r}, {str(services)!r})"
    (Path(own) / "2-trace.pth").write_text(f"import {MODULE}; {installed}\n")
    return interpreter


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
