"""The start script of a broker refuses data that does not belong to it, and prints no password."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.contract_documents import ROOT

USERS = ("admin", "registration", "aggregator", "notifier", "board")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script with the paths of a folder, and programs that print the files in their arguments."""
    for name in ("bin", "data", "secrets"):
        (tmp_path / name).mkdir()
    for user in USERS:
        (tmp_path / "secrets" / f"kafka_{user}_password").write_text(f"secret-of-{user}")
    storage, server = tmp_path / "bin" / "kafka-storage.sh", tmp_path / "bin" / "kafka-server-start.sh"
    storage.write_text(f"#!/bin/sh\ncp {tmp_path}/users {tmp_path}/formatted\necho secret-of-admin\n")
    server.write_text("#!/bin/sh\necho started\n")
    text = (ROOT / "deploy" / "kafka" / "start.sh").read_text("utf-8")
    for variable, former, new in (
        ("kafka", "/opt/kafka/bin", "bin"),
        ("data", "/var/lib/kafka/data", "data"),
        ("secrets", "/secrets", "secrets"),
        ("work", "/tmp", "."),
    ):
        assert f"{variable}={former}\n" in text
        text = text.replace(f"{variable}={former}\n", f"{variable}={tmp_path / new}\n")
    path = tmp_path / "start.sh"
    path.write_text(text)
    for program in (storage, server):
        program.chmod(0o755)
    return path


def start(script: Path, node: int, brokers: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", script],
        env={"NODE": str(node), "BROKERS": str(brokers), "CLUSTER_ID": "c", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_first_start_creates_every_user_and_prints_no_password(script: Path) -> None:
    done = start(script, 1, 1)

    assert (done.returncode, done.stdout, done.stderr) == (0, "started\n", "")
    lines = (script.parent / "formatted").read_text().splitlines()
    assert lines[1::2] == [f"SCRAM-SHA-512=[name={user},password=secret-of-{user}]" for user in USERS]
    assert not (script.parent / "users").exists()


@pytest.mark.parametrize(
    ("brokers", "voters", "in_sync"),
    [(1, "1@kafka-1:9093", 1), (3, "1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093", 2)],
)
def test_every_broker_votes_and_an_acknowledged_record_is_on_all_but_one(
    script: Path, brokers: int, voters: str, in_sync: int
) -> None:
    start(script, brokers, brokers)

    properties = (script.parent / "server.properties").read_text().splitlines()
    assert f"controller.quorum.voters={voters}" in properties
    assert f"min.insync.replicas={in_sync}" in properties
    assert f"default.replication.factor={brokers}" in properties


def test_a_broker_beyond_the_number_of_brokers_is_refused(script: Path) -> None:
    done = start(script, 2, 1)

    assert done.returncode == 1
    assert done.stderr.startswith("kafka-2 does not start: it is more than KAFKA_BROKERS=1. Set ")


def test_data_without_users_is_refused(script: Path) -> None:
    (script.parent / "data" / "meta.properties").touch()

    done = start(script, 1, 1)

    assert done.returncode == 1
    assert "its data is of a version without users. docs/deployment.md says how to upgrade." in done.stderr


def test_data_of_another_number_of_brokers_is_refused(script: Path) -> None:
    start(script, 1, 3)
    (script.parent / "data" / "meta.properties").touch()

    done = start(script, 1, 1)

    assert done.returncode == 1
    assert "installation with 3 brokers. Set KAFKA_BROKERS to that number." in done.stderr
    assert start(script, 1, 3).stdout == "started\n"
