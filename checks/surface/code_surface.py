"""Reads OpenAPI, metrics and settings from the code of all services, in one subprocess per service."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from checks.surface.recordings import ROOT, Files, as_json
from deploy.local.one_shot_commands import clean_environment

SERVICES = ("registration", "aggregator", "notifier", "board")
KINDS = ("openapi", "metrics", "settings")
PROBE_S_MAX = 120.0


class ProbeError(RuntimeError):
    """The code of a service could not be read; the message contains the end of its error output."""


def surface() -> Files:
    """Return three files: OpenAPI, metrics and settings, each for all services."""
    started = {service: _start(service) for service in SERVICES}
    declared = {service: _result(service, process) for service, process in started.items()}
    return {
        f"{kind}.json": as_json({service: declared[service][kind] for service in SERVICES}) for kind in KINDS
    }


def _start(service: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "checks.surface.declaration_printer", service],
        env=clean_environment({}),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _result(service: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        out, err = process.communicate(timeout=PROBE_S_MAX)
    finally:
        process.kill()
    if process.returncode != 0:
        raise ProbeError(f"{service} cannot be read:\n{err[-2000:]}")
    found: dict[str, Any] = json.loads(out)
    return found
