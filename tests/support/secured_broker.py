"""A broker that deploy/kafka/start.sh starts as in docker-compose.yml: with TLS, users and access rules."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.local.free_ports import free_ports
from deploy.local.kafka import CLUSTER_ID, archive_options, build_class_archive, fetch_jars, java_command
from deploy.secret_volumes import VOLUMES, create_secrets
from kafka.settings import KafkaSettings
from tests.support.contract_documents import ROOT
from tests.support.log_files import tail

SCRIPT: Final = ROOT / "deploy" / "kafka" / "start.sh"
PROGRAMS: Final = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
}
START_S_MAX: Final = 60.0


class SecuredBroker:
    """A broker on loopback whose secrets are those of a new installation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.secrets = folder / "secrets"
        for volume in VOLUMES:
            (self.secrets / volume).mkdir(parents=True)
        create_secrets(self.secrets, datetime.now(UTC))
        self._port, self._controller_port = free_ports(2)
        self._log = folder / "kafka.log"
        (folder / "data").mkdir()
        fetch_jars()
        build_class_archive()
        self._script = folder / "start.sh"
        text = SCRIPT.read_text("utf-8")
        self._script.write_text(self._local(text, *self._paths(), *self._addresses()))
        self._write_programs(folder / "bin")
        self._process = self._launch()

    def settings(self, service: str, prefix: str = "", password: str | None = None) -> KafkaSettings:
        """Return the settings of a service's Kafka client, by default with its password."""
        folder = self.secrets / service
        return KafkaSettings(
            bootstrap_servers=f"127.0.0.1:{self._port}",
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="admin" if service == "kafka-admin" else service,
            sasl_password=password or (folder / "kafka_sasl_password").read_text(),
            ssl_ca_file=str(folder / "authority.pem"),
            topic_prefix=prefix,
        )

    def set_password(self, user: str) -> None:
        """Set the user's password to that in the broker's volume, with the script of the deployment."""
        script = self._folder / "set_password.sh"
        text = SCRIPT.with_name(script.name).read_text("utf-8")
        script.write_text(self._local(text, ("kafka:9092", f"127.0.0.1:{self._port}"), *self._paths()))
        subprocess.run(["/bin/sh", script, user], check=True, capture_output=True, timeout=60)

    def close(self) -> None:
        """Kill the broker."""
        self._process.kill()
        self._process.wait(10)

    def log(self) -> str:
        """Return the end of the broker's log."""
        return tail(self._log)

    def _paths(self) -> list[tuple[str, str]]:
        return [
            ("kafka=/opt/kafka/bin", f"kafka={self._folder / 'bin'}"),
            ("secrets=/secrets", f"secrets={self.secrets / 'kafka'}"),
            ("work=/tmp", f"work={self._folder}"),
        ]

    def _addresses(self) -> list[tuple[str, str]]:
        return [
            ("data=/var/lib/kafka/data", f"data={self._folder / 'data'}"),
            ("SASL_SSL://:9092", f"SASL_SSL://127.0.0.1:{self._port}"),
            ("CONTROLLER://:9093", f"CONTROLLER://127.0.0.1:{self._controller_port}"),
            ("SASL_SSL://kafka-$NODE:9092", f"SASL_SSL://127.0.0.1:{self._port}"),
            ("1@kafka-1:9093", f"1@127.0.0.1:{self._controller_port}"),
        ]

    def _local(self, text: str, *replaced: tuple[str, str]) -> str:
        """Replace the paths and addresses of a container."""
        for former, new in replaced:
            assert former in text, f"the script has no {former}"
            text = text.replace(former, new)
        return text

    def _write_programs(self, folder: Path) -> None:
        folder.mkdir()
        for name, main in PROGRAMS.items():
            options = [*archive_options(), "-XX:TieredStopAtLevel=1"]
            command = shlex.join(java_command(384, options, main))
            (folder / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            (folder / name).chmod(0o755)

    def _launch(self) -> subprocess.Popen[bytes]:
        environment = {"NODE": "1", "BROKERS": "1", "CLUSTER_ID": CLUSTER_ID, "PATH": "/usr/bin:/bin"}
        with self._log.open("ab") as out:
            return subprocess.Popen(["/bin/sh", str(self._script)], stdout=out, stderr=out, env=environment)
