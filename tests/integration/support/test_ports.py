"""Ports of tests are free, and no other test session gets them."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.support.contract_documents import ROOT
from tests.support.ports import END, FIRST, free_ports

pytestmark = pytest.mark.integration

PRINT_PORTS = "from tests.support.ports import free_ports; print(*free_ports(20))"


def test_two_sessions_never_get_the_same_port() -> None:
    ports = free_ports(20)

    printed = subprocess.run(
        [sys.executable, "-c", PRINT_PORTS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    others = [int(port) for port in printed.stdout.split()]
    assert len({*ports, *others}) == 40
    assert all(FIRST < port < END for port in (*ports, *others))


def test_a_port_on_which_a_server_listens_is_not_given() -> None:
    (port,) = free_ports(1)
    with socket.socket() as server:
        server.bind(("127.0.0.1", port + 1))
        server.listen()

        assert port + 1 not in free_ports(2)
