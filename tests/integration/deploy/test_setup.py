"""What is made once stays: secrets, keys and ports; a port that is taken is not taken again."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from deploy.local import secret_files
from deploy.local.commands import read_keys, write_keys
from deploy.local.port_allocation import USUAL, PortTakenError, choose, remembered
from deploy.local.ports import free_ports

pytestmark = pytest.mark.integration


def test_secrets_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    first = secret_files.read_or_make(tmp_path / "secrets")

    second = secret_files.read_or_make(tmp_path / "secrets")

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

    chosen = choose(tmp_path, {"board": port})

    assert chosen["board"] == port
    assert remembered(tmp_path) == chosen
    assert set(chosen) == set(USUAL)
    assert len(set(chosen.values())) == len(chosen)


def test_a_given_port_that_is_taken_is_refused_by_name(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(PortTakenError, match="for board is in use"):
            choose(tmp_path, {"board": taken.getsockname()[1]})


def test_a_usual_port_that_is_taken_gives_way_to_a_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setitem(USUAL, "board", taken.getsockname()[1])

        assert choose(tmp_path, {})["board"] != taken.getsockname()[1]


def test_a_name_that_no_port_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortTakenError, match="no port is called boards"):
        choose(tmp_path, {"boards": 8000})
