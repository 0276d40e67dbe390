"""A client of supervisor, the program that runs all processes of the stack and restarts those that end."""

from __future__ import annotations

import hashlib
import http.client
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.local.paths import ROOT

MARKER: Final = "LOCAL_STACK"
# The kernel allows 107 bytes. While supervisor opens the socket, it appends its process id to the path.
SOCKET_PATH_MAX: Final = 95
# Practically unlimited, because a process may have to wait long for another process to start. Before each
# retry, supervisor waits a second longer.
RETRIES: Final = 1_000_000_000
INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "JAVA_HOME", "TMPDIR")


@dataclass(frozen=True)
class Program:
    """A supervised process."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"

    def section(self, logs: Path) -> str:
        """Return the process's section of supervisor's configuration file."""
        lines = {
            "command": shlex.join(self.command),
            "directory": "/" if self.user else str(ROOT),
            "environment": ",".join(f"{name}={_quoted(value)}" for name, value in self.environment.items()),
            "autorestart": "true",
            "startsecs": "1",
            "startretries": str(RETRIES),
            "stopsignal": self.stop_signal,
            "stopwaitsecs": "15",
            "killasgroup": "true",
            "stdout_logfile": str(logs / f"{self.name}.log"),
            "stdout_logfile_maxbytes": "20MB",
            "stdout_logfile_backups": "2",
            "redirect_stderr": "true",
            **({"user": self.user} if self.user else {}),
        }
        # Percent signs are escaped, because supervisor expands them.
        body = "\n".join(f"{name}={value.replace('%', '%%')}" for name, value in lines.items() if value)
        return f"[program:{self.name}]\n{body}\n"


def _quoted(value: str) -> str:
    assert not set(value) & {"'", "\n"}, "supervisor's configuration file cannot contain these characters"
    return f"'{value}'"


class Supervisor:
    """The supervisor of the stack in one folder; it may be running or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self._file = folder / "supervisord.conf"
        path = folder / "supervisor.sock"
        if len(str(path)) > SOCKET_PATH_MAX:
            digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
            path = Path(tempfile.gettempdir()) / f"jakpreneur-{digest}.sock"
        self._socket = path

    def write(self, programs: list[Program]) -> None:
        """Write supervisor's configuration file. Only its owner can read it, because it contains secrets."""
        self.logs.mkdir(parents=True, exist_ok=True)
        head = (
            f"[supervisord]\nlogfile={self.logs}/supervisor.log\npidfile={self.folder}/supervisord.pid\n"
            f"childlogdir={self.logs}\nlogfile_maxbytes=5MB\nlogfile_backups=1\n"
            + ("user=root\n" if os.geteuid() == 0 else "")
            + f"[unix_http_server]\nfile={self._socket}\nchmod=0700\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        ).replace("%", "%%")
        partial = self._file.with_suffix(".new")
        partial.touch(mode=0o600)
        partial.write_text(
            head + "".join(program.section(self.logs) for program in programs), encoding="utf-8"
        )
        partial.rename(self._file)

    def start(self) -> None:
        """Start supervisor in the background.

        Supervisor and its child processes have a marker in their environment, so that `stack_pids` finds
        them.
        """
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment[MARKER] = str(self.folder)
        self._socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._file)]
        subprocess.run(command, env=environment, cwd=ROOT, check=True, stdin=subprocess.DEVNULL)

    def add(self, programs: list[Program]) -> None:
        """Write a configuration file for `programs`, and start the programs that are new in it."""
        self.write(programs)
        ((added, _, _),) = self.call("reloadConfig")
        for name in added:
            self.call("addProcessGroup", name)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of supervisor's XML-RPC interface. Raises OSError if supervisor does not run."""
        with xmlrpc.client.ServerProxy("http://local", transport=_UnixTransport(self._socket)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def is_running(self) -> bool:
        """Return whether supervisor runs and answers."""
        try:
            return bool(self.call("getState"))
        except (OSError, http.client.HTTPException):
            return False

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return supervisor's information on each process by name, with its state, pid and start time."""
        return {info["name"]: info for info in self.call("getAllProcessInfo")}


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("local", timeout=30)
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(30)
        try:
            opened.connect(str(self._path))
        except OSError:
            opened.close()
            raise
        connection.sock = opened
        self._connection = host, connection  # closing the proxy closes this connection
        return connection
