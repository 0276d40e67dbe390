"""The command line; exit 1 after a finding, 2 without a compiler with sanitizers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.local.decoder_build import can_compile, compile_step
from deploy.local.paths import ROOT

FOLDER: Final = ROOT / ".local/fuzz"
FLAGS: Final = (
    "-O1",
    "-g",
    "-fno-omit-frame-pointer",
    "-fno-wrapv",  # Python's flags define the overflow of signed integers, which then is no finding
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)
REPORT_CHARACTERS: Final = 6_000


def main(
    seconds: Annotated[int, typer.Option(help="How long to feed inputs.")] = 60,
    seed: Annotated[int | None, typer.Option(help="Seed of the inputs; by default the time.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Feed only the input in this file.")] = None,
) -> None:
    """Feed the compiled decoder arbitrary bytes under sanitizers, and compare it with pure Python."""
    runtime = _sanitizer()
    if not can_compile() or runtime is None:
        typer.echo("no C compiler with AddressSanitizer: install gcc, libc6-dev and python3-dev")
        raise typer.Exit(2)
    compile_step(FOLDER / "compiled", FLAGS)
    FOLDER.joinpath("input").unlink(missing_ok=True)
    arguments = (
        ["--replay", str(replay)] if replay else ["--seconds", str(seconds), "--seed", str(_seed(seed))]
    )
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime,
        # Without Python's allocator, AddressSanitizer knows the bounds of each object.
        "PYTHONMALLOC": "malloc",
        # Without the call stack of each allocation, an input takes a third of the time.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:malloc_context_size=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    command = [sys.executable, "-m", "tests.fuzz.decoder.target", str(FOLDER), *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        _report(done)
        raise typer.Exit(1)


def _sanitizer() -> str | None:
    """Return the path of AddressSanitizer's runtime library; None if the compiler has none."""
    if not can_compile():
        return None
    command = ["cc", "-print-file-name=libasan.so"]
    found = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    return str(found.resolve()) if found.is_absolute() else None


def _seed(given: int | None) -> int:
    return int(time.time()) if given is None else given


def _report(done: subprocess.CompletedProcess[str]) -> None:
    """Print what was found, and keep the input that shows it."""
    typer.echo(done.stderr[:REPORT_CHARACTERS])
    kept = FOLDER / f"finding-{int(time.time())}"
    FOLDER.joinpath("input").rename(kept)
    typer.echo(f"1 finding (exit status {done.returncode}): python -m tests.fuzz.decoder --replay {kept}")


if __name__ == "__main__":
    typer.run(main)
