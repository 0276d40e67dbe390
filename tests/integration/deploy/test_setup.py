"""Secrets, access keys and ports are created once and then kept; a port in use is not allocated."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from deploy.local import secret_files
from deploy.local.one_shot_commands import read_keys, write_keys
from deploy.local.port_allocation import DEFAULT_PORTS, PortTakenError, allocate_ports, last_ports
from tests.support.ports import free_ports

pytestmark = pytest.mark.integration


def test_secrets_are_created_once_and_readable_only_by_their_owner(tmp_path: Path) -> None:
    first = secret_files.read_or_create(tmp_path / "secrets")

    second = secret_files.read_or_create(tmp_path / "secrets")

    assert second == first
    assert len(set(first.values())) == len(first)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()}
    assert modes == {0o600}


def test_keys_are_read_back_as_written(tmp_path: Path) -> None:
    keys = {"booth": "b" * 30, "officer": "o" * 30, "admin": "a" * 30}

    write_keys(tmp_path / "keys.env", keys)

    assert read_keys(tmp_path / "keys.env") == keys
    assert "BOOTH_KEY=" + "b" * 30 in (tmp_path / "keys.env").read_text()
    assert stat.S_IMODE((tmp_path / "keys.env").stat().st_mode) == 0o600


def test_a_given_port_is_used_and_remembered(tmp_path: Path) -> None:
    (port,) = free_ports(1)

    chosen = allocate_ports(tmp_path, {"board": port})

    assert chosen["board"] == port
    assert last_ports(tmp_path) == chosen
    assert set(chosen) == set(DEFAULT_PORTS)
    assert len(set(chosen.values())) == len(chosen)


def test_a_given_port_that_is_in_use_is_refused_by_name(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(PortTakenError, match="for board is in use"):
            allocate_ports(tmp_path, {"board": taken.getsockname()[1]})


def test_a_default_port_that_is_in_use_is_replaced_by_a_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setitem(DEFAULT_PORTS, "board", taken.getsockname()[1])

        assert allocate_ports(tmp_path, {})["board"] != taken.getsockname()[1]


def test_an_unknown_port_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortTakenError, match="no port is called boards"):
        allocate_ports(tmp_path, {"boards": 8000})
