"""The real proxy with the configuration of docker-compose.yml, in front of processes on this machine."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.contract_documents import ROOT
from tests.support.deadlines import until
from tests.support.ports import free_ports
from tests.support.required_programs import SEARCH_PATH
from tests.support.service_process import TrackedProcess

CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
SERVERS = re.compile(r"^    server-template (?P<prefix>\S+) \d+ (?P<service>[\w-]+):\d+$", re.MULTILINE)
BACKEND_HEADER = "X-Test-Backend"
SERVER_HEADER = "X-Test-Server"


@asynccontextmanager
async def open_front_door(
    folder: Path, replicas: Mapping[str, Sequence[int]], connections_per_address_max: int = 2_000
) -> AsyncIterator[str]:
    """Start the proxy and yield its base URL. `replicas` has the ports of each service of the configuration.

    In containers the replicas are found by name; here their ports replace the names. Each response names the
    service and the replica that the proxy has chosen, in the headers BACKEND_HEADER and SERVER_HEADER.
    """
    (port,) = free_ports(1)
    path = folder / f"haproxy-{port}.cfg"
    path.write_text(_configuration(port, replicas))
    program = shutil.which("haproxy", path=SEARCH_PATH)
    assert program is not None, "Debian's package haproxy is missing"
    environment = {"CONNECTIONS_PER_ADDRESS_MAX": str(connections_per_address_max)}
    proxy = TrackedProcess("haproxy", [program, "-db", "-f", str(path)], environment, folder / "haproxy.log")
    try:
        await until(lambda: _accepts(port), name="the proxy accepts connections")
        yield f"http://127.0.0.1:{port}"
        message = proxy.unexpected_end()
        assert message is None, message
    finally:
        proxy.finish()
        sys.stdout.write(proxy.log.read_text("utf-8")[-3_000:])  # pytest shows it with a failure


def _configuration(port: int, replicas: Mapping[str, Sequence[int]]) -> str:
    def servers(found: re.Match[str]) -> str:
        header = [
            f"    http-after-response set-header {BACKEND_HEADER} %[be_name]",
            f"    http-after-response set-header {SERVER_HEADER} %[srv_name]",
        ]
        ports = enumerate(replicas.get(found["service"], ()), 1)
        return "\n".join(header + [f"    server {found['prefix']}{n} 127.0.0.1:{port}" for n, port in ports])

    text, replaced = SERVERS.subn(servers, CONFIGURATION.read_text("utf-8"))
    assert replaced == text.count("\nbackend "), "each service has one line with its replicas"
    assert "bind :8080" in text
    return text.replace("bind :8080", f"bind 127.0.0.1:{port}")


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
