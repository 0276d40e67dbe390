"""Finds out the status of each process of the local stack, from supervisor and from its health endpoint."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from deploy.local.process_definitions import PROCESSES

ANSWER_S_MAX: Final = 3.0
DECODER: Final = re.compile(r'^aggregator_decoder_info{decoder="(\w+)",reason="(\w+)"} 1\.0$', re.MULTILINE)


@dataclass(frozen=True)
class Status:
    """The status of a process.

    `health` is `ready` or the reason why the process is not ready. `detail` names the systems that it cannot
    reach, and a worker's decoder.
    """

    name: str
    state: str
    pid: int
    uptime_s: int
    health: str
    url: str
    detail: str = ""


def check_all(processes: Mapping[str, Mapping[str, Any]], ports: Mapping[str, int]) -> list[Status]:
    """Return the status of each process; all are checked in parallel."""
    with ThreadPoolExecutor(len(processes) or 1) as threads:
        return list(threads.map(lambda name: _status(name, processes[name], ports), processes))


def _status(name: str, info: Mapping[str, Any], ports: Mapping[str, int]) -> Status:
    running = info["statename"] == "RUNNING"
    health, degraded = _health(name, ports[name]) if running else (str(info["statename"]).lower(), "")
    decoder = _decoder(ports[name]) if running and name == "worker" else ""
    return Status(
        name=name,
        state=str(info["statename"]).lower(),
        pid=int(info["pid"]),
        uptime_s=max(0, int(time.time()) - int(info["start"])) if running else 0,
        health=health,
        url=f"http://127.0.0.1:{ports[name]}" if name in PROCESSES else f"127.0.0.1:{ports[name]}",
        detail=", ".join(filter(None, (degraded, decoder))),
    )


def _health(name: str, port: int) -> tuple[str, str]:
    """Return a process's health, and which systems it cannot reach; empty if it reaches all."""
    if name not in PROCESSES:
        return _listening(port), ""
    path = "/health/ready" if PROCESSES[name].is_service else "/"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=ANSWER_S_MAX) as response:
            return "ready", _degraded(response.read())
    except urllib.error.HTTPError as error:
        return ("not ready", _degraded(error.read())) if error.code == 503 else (f"answers {error.code}", "")
    except (OSError, ValueError):
        return "no answer", ""


def _degraded(body: bytes) -> str:
    try:
        names = json.loads(body)["degraded"]
    except (ValueError, KeyError, TypeError):  # the page of a receiver, which is no service
        return ""
    return f"degraded: {', '.join(names)}" if names else ""


def _decoder(port: int) -> str:
    """Return which decoder a worker uses and why; empty if the worker does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=ANSWER_S_MAX) as response:
            found = DECODER.search(response.read().decode())
    except (OSError, ValueError):
        return ""
    return f"decoder: {found[1]} ({found[2]})" if found else ""


def _listening(port: int) -> str:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S_MAX).close()
    except OSError:
        return "no answer"
    return "ready"
