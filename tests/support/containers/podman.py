"""Runs podman and podman-compose as this test needs them, with a configuration of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CERTIFICATES = "/etc/ssl/certs"
BUILD_OPTIONS = (
    # Plain namespaces are enough to build, and the machine's network and authorities reach the package index.
    "--isolation=chroot",
    "--network=host",
    f"--volume={CERTIFICATES}:{CERTIFICATES}:ro",
    # The format that knows health checks.
    "--format=docker",
    "--quiet",
)


class CommandError(RuntimeError):
    """A podman command failed; the message holds what it printed."""


def environment() -> dict[str, str]:
    """The environment of every command: iptables lies in sbin, which not every shell searches."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "CONTAINERS_CONF": str(HERE / "containers.conf"),
    }


def run(
    *command: str, env: dict[str, str] | None = None, timeout_s: float = 600, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; raises CommandFailed, with its output, where it fails."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**environment(), **(env or {})},
        timeout=timeout_s,
        check=False,
    )
    if check and done.returncode != 0:
        printed = done.stdout[-3000:] + done.stderr[-6000:]
        raise CommandError(f"{' '.join(command[:6])} … ended with {done.returncode}\n{printed}")
    return done


def podman(*arguments: str, check: bool = True, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    """Run podman."""
    return run("podman", *arguments, check=check, timeout_s=timeout_s)
