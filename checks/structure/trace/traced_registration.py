"""Traces one registration: starts a checkout's local stack, registers, and waits for the board's stream.

It uses only the checkout's command lines, HTTP interface and `keys.env`, so it works even if the checkout's
modules have moved.
"""

from __future__ import annotations

import http.client
import json
import mmap
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from checks.structure.trace.tracing_venv import make_interpreter

UP_S_MAX: Final = 600.0
IDLE_S: Final = 4.0
SHOWN_S_MAX: Final = 60.0
AFTERWARDS_S: Final = 1.0
"""How long the trace continues after the board: the notifier may read the same cut later."""
PROVINCE: Final = "31"
PERSON: Final = {
    "name": "Peserta Jejak",
    "nik": "3199010101000000",
    "region": "31.71.01.1001",
    "agency": "ppkukm",
    "campaign": "fest-2021",
    "consent": "2026-01",
}

PORTS: Final = (
    *("kafka", "kafka-controller", "postgres", "smtp"),
    *("api", "relay", "audit", "worker", "publisher", "notifier", "board", "mailbox", "receiver"),
)
"""The names of ports for `deploy.local up --port`. All get free ports: another stack may use the defaults."""

Echo = Callable[[str], None]


class Window(IntEnum):
    """The phase of the trace in which a file is called."""

    OFF = 0
    IDLE = 1
    TO_THE_ANSWER = 2
    TO_THE_SCREEN = 3


class TraceError(RuntimeError):
    """The stack did not start, refused the registration or did not show it; the message says which."""


@dataclass(frozen=True)
class LocalStack:
    """A running local stack: the addresses of its processes, and a booth's key."""

    urls: Mapping[str, str]
    key: str


def traced_registration(directory: Path, python: Path, echo: Echo) -> dict[str, list[str]]:
    """Trace a registration; return the log lines of each process by command. Raises TraceError."""
    with tempfile.TemporaryDirectory(prefix="structure-trace-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another user
        (folder / "window").write_bytes(bytes([Window.OFF]))
        with (folder / "window").open("r+b") as file, mmap.mmap(file.fileno(), 1) as window:
            interpreter = make_interpreter(python, folder, directory / "services")
            echo("starting the local stack")
            with _stack(directory, interpreter, folder / "local") as stack:
                _register(stack, window, echo)
        return _logs(folder)


@contextmanager
def _stack(directory: Path, python: Path, local: Path) -> Iterator[LocalStack]:
    paths = (directory / "services", directory / "services" / "shared", directory)
    environment = {
        **os.environ,
        "LOCAL_DIR": str(local),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }

    def command(*words: str) -> str:
        done = subprocess.run(
            [python, "-m", "deploy.local", *words],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=UP_S_MAX,
            check=False,
        )
        if done.returncode:
            raise TraceError(f"deploy.local {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    try:
        ports = zip(PORTS, free_ports(len(PORTS)), strict=True)
        command("up", *(word for name, port in ports for word in ("--port", f"{name}={port}")))
        statuses = json.loads(command("status", "--json"))
        pairs = (line.partition("=") for line in (local / "keys.env").read_text("utf-8").splitlines())
        keys = {role: key for role, _, key in pairs}
        yield LocalStack({status["name"]: status["url"] for status in statuses}, keys["BOOTH_KEY"])
    finally:
        command("forget")
        shutil.rmtree(local, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Return `count` different unused ports of the loopback address."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(opened_socket.getsockname()[1]) for opened_socket in sockets]


def _register(stack: LocalStack, window: mmap.mmap, echo: Echo) -> None:
    board = urlsplit(stack.urls["board"])
    connection = http.client.HTTPConnection(board.hostname or "", board.port, timeout=SHOWN_S_MAX)
    try:
        connection.request("GET", "/v1/stream", headers={"Accept": "text/event-stream"})
        stream = connection.getresponse()
        if stream.status != http.HTTPStatus.OK:
            raise TraceError(f"the board's stream answers {stream.status}: {stream.read(500)!r}")
        echo("recording calls without a registration")
        window[0] = Window.IDLE
        time.sleep(IDLE_S)
        echo("registering")
        window[0] = Window.TO_THE_ANSWER
        _post(stack)
        window[0] = Window.TO_THE_SCREEN
        _wait_shown(stream)
        time.sleep(AFTERWARDS_S)
        window[0] = Window.OFF
    finally:
        connection.close()


def _post(stack: LocalStack) -> None:
    headers = {
        "Authorization": f"Bearer {stack.key}",
        "Idempotency-Key": "structure-trace",
        "Content-Type": "application/json",
    }
    url = f"{stack.urls['api']}/v1/participants"
    request = urllib.request.Request(url, json.dumps(PERSON).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=SHOWN_S_MAX) as response:
            status, body = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    if status != http.HTTPStatus.CREATED:
        raise TraceError(f"the registration was answered {status}: {body!r}")


def _wait_shown(stream: http.client.HTTPResponse) -> None:
    """Read the stream until the province's count is above 0."""
    deadline = time.monotonic() + SHOWN_S_MAX
    while time.monotonic() < deadline:
        line = stream.readline()
        if not line:
            raise TraceError("the board ended its stream")
        if line.startswith(b"data:") and _is_shown(json.loads(line.removeprefix(b"data:"))):
            return
    raise TraceError(f"the board did not show the registration within {SHOWN_S_MAX:.0f} s")


def _is_shown(message: Any) -> bool:
    rows = message.get("rows", []) if isinstance(message, dict) else []
    return any(row["region"] == PROVINCE and row["counts"].get("registered", 0) > 0 for row in rows)


def _logs(folder: Path) -> dict[str, list[str]]:
    logs: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*.log")):
        command, *lines = file.read_text("utf-8").splitlines()
        if lines:
            logs.setdefault(command, []).extend(lines)
    return logs
