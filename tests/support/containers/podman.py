"""Runs podman and podman-compose with the configuration of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CERTIFICATES = "/etc/ssl/certs"
BUILD_OPTIONS = (
    # A build needs only namespaces. It reaches the package index by the host's network and certificates.
    "--isolation=chroot",
    "--network=host",
    f"--volume={CERTIFICATES}:{CERTIFICATES}:ro",
    # The image format that supports health checks.
    "--format=docker",
    "--quiet",
)


class CommandError(RuntimeError):
    """A command failed. The message contains its output."""


def environment() -> dict[str, str]:
    """Return the environment of every command. Its PATH includes sbin, where iptables is."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "CONTAINERS_CONF": str(HERE / "containers.conf"),
    }


def run(
    *command: str, env: dict[str, str] | None = None, timeout_s: float = 600, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises CommandError if the command fails and `check` is set."""
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
