"""Brokers that deploy/kafka/start.sh starts as in docker-compose.yml: with TLS, users and access rules."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.authority import renew_certificate
from deploy.local.kafka import CLUSTER_ID, archive_options, build_class_archive, fetch_jars, java_command
from deploy.secret_volumes import VOLUMES, create_secrets
from kafka.settings import KafkaSettings
from tests.support.contract_documents import ROOT
from tests.support.log_files import tail
from tests.support.ports import free_ports

SCRIPTS: Final = ROOT / "deploy" / "kafka"
PROGRAMS: Final = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
}


class SecuredKafka:
    """`count` brokers on loopback addresses from 127.0.0.1 on, with the secrets of a new installation."""

    def __init__(self, folder: Path, count: int = 1) -> None:
        self.secrets = folder / "secrets"
        for volume in VOLUMES:
            (self.secrets / volume).mkdir(parents=True)
        create_secrets(self.secrets, datetime.now(UTC))
        self._addresses = [f"127.0.0.{node}" for node in range(1, count + 1)]
        certificate = self.secrets / "kafka" / "kafka_server.pem"
        renew_certificate(self.secrets / "authority", certificate, self._addresses, datetime.now(UTC))
        self._port, self._controller_port = free_ports(2)
        self._folder = folder
        fetch_jars()
        build_class_archive()
        _write_programs(folder / "bin")
        self._processes = [self._launch(node) for node in range(1, count + 1)]

    def settings(self, service: str, *, password: str | None = None) -> KafkaSettings:
        """Return the settings of a service's Kafka client, by default with its password."""
        folder = self.secrets / service
        return KafkaSettings(
            bootstrap_servers=",".join(f"{address}:{self._port}" for address in self._addresses),
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="admin" if service == "kafka-admin" else service,
            sasl_password=password or (folder / "kafka_sasl_password").read_text(),
            ssl_ca_file=str(folder / "authority.pem"),
        )

    def set_password(self, user: str) -> None:
        """Set the user's password to that in the brokers' volume, with the script of the deployment."""
        script = self._localized("set_password.sh", 1, ("kafka:9092", f"127.0.0.1:{self._port}"))
        subprocess.run(["/bin/sh", script, user], check=True, capture_output=True, timeout=60)

    def kill(self, node: int) -> None:
        """Kill a broker."""
        self._processes[node - 1].kill()
        self._processes[node - 1].wait(10)

    def close(self) -> None:
        """Kill all brokers."""
        for node in range(1, len(self._processes) + 1):
            self.kill(node)

    def log(self) -> str:
        """Return the ends of the brokers' logs."""
        return "".join(tail(path) for path in sorted(self._folder.glob("*/kafka.log")))

    def _launch(self, node: int) -> subprocess.Popen[bytes]:
        work = self._folder / f"node-{node}"
        (work / "data").mkdir(parents=True)
        address = f"127.0.0.{node}:{self._port}"
        script = self._localized(
            "start.sh",
            node,
            ("data=/var/lib/kafka/data", f"data={work / 'data'}"),
            ("SASL_SSL://:9092", f"SASL_SSL://{address}"),
            ("CONTROLLER://:9093", f"CONTROLLER://127.0.0.{node}:{self._controller_port}"),
            ("SASL_SSL://kafka-$NODE:9092", f"SASL_SSL://{address}"),
            ("1@kafka-1:9093", f"1@127.0.0.1:{self._controller_port}"),
            ("kafka-$node:9093", f"127.0.0.$node:{self._controller_port}"),
        )
        environment = {
            "NODE": str(node),
            "BROKERS": str(len(self._addresses)),
            "CLUSTER_ID": CLUSTER_ID,
            "PATH": "/usr/bin:/bin",
        }
        with (work / "kafka.log").open("ab") as out:
            return subprocess.Popen(["/bin/sh", script], stdout=out, stderr=out, env=environment)

    def _localized(self, name: str, node: int, *replaced: tuple[str, str]) -> Path:
        """Write the script with other paths and addresses than in a container; return its path."""
        work = self._folder / f"node-{node}"
        text = (SCRIPTS / name).read_text("utf-8")
        for former, new in (
            ("kafka=/opt/kafka/bin", f"kafka={self._folder / 'bin'}"),
            ("secrets=/secrets", f"secrets={self.secrets / 'kafka'}"),
            ("work=/tmp", f"work={work}"),
            *replaced,
        ):
            assert former in text, f"{name} has no {former}"
            text = text.replace(former, new)
        (work / name).write_text(text)
        return work / name


def _write_programs(folder: Path) -> None:
    folder.mkdir()
    for name, main in PROGRAMS.items():
        command = java_command(384, [*archive_options(), "-XX:TieredStopAtLevel=1"], main)
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (folder / name).chmod(0o755)
