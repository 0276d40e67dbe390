"""The processes of the system: their command lines, default ports and settings, for local stack and tests.

Each process gets only the settings that it needs. For example, the board gets no database, and the relay
no encryption key.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from database.address import DatabaseAddress

CONFIG: Final = Path(__file__).with_name("config")
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Process:
    """A process of a service, or the mailbox or the webhook receiver.

    `role` is the database role that it logs in as, or empty. `needs` names the other groups of settings
    that the process gets.
    """

    name: str
    package: str
    arguments: tuple[str, ...]
    port: int
    port_setting: str
    role: str = ""
    needs: frozenset[str] = frozenset()

    @property
    def is_service(self) -> bool:
        """Whether this is a process of a service, which has health endpoints, metrics and settings."""
        return bool(self.port_setting)


def _process(
    name: str, command: str, port: int, port_setting: str = "", role: str = "", *needs: str
) -> Process:
    package, *arguments = command.split()
    return Process(name, package, tuple(arguments), port, port_setting, role, frozenset(needs))


PROCESSES: Final = {
    process.name: process
    for process in (
        _process("api", "registration api", 8001, "REGISTRATION_PORT", "registration_api", "secret"),
        _process(
            "relay", "registration relay", 8011, "REGISTRATION_RELAY_PORT", "registration_relay", "kafka"
        ),
        _process(
            "audit", "registration audit", 8012, "REGISTRATION_AUDIT_PORT", "registration_relay", "kafka"
        ),
        _process("worker", "aggregator worker", 8002, "AGGREGATOR_PORT", "aggregator_service", "kafka"),
        _process(
            "publisher",
            "aggregator publisher",
            8022,
            "AGGREGATOR_PUBLISHER_PORT",
            "aggregator_service",
            "kafka",
        ),
        _process("notifier", "notifier run", 8003, "NOTIFIER_PORT", "notifier_service", "kafka"),
        _process("board", "board serve", 8000, "BOARD_PORT", "", "kafka"),
        # These two are not services. They receive the alerts on this machine.
        _process("mailbox", "deploy.local.mailbox", 8026),
        _process("receiver", "deploy.local.webhook_receiver", 8030),
    )
}


@dataclass(frozen=True)
class StackConfig:
    """The configuration of all processes: databases, Kafka settings, ports, secrets and files."""

    databases: Mapping[str, DatabaseAddress]
    """The address of the database for each role."""
    kafka: Mapping[str, str]
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    folder: Path
    keys: Mapping[str, str] = field(default_factory=dict)
    config: Path = CONFIG

    def command(self, process: Process) -> list[str]:
        """Return the command line of a process."""
        arguments = list(process.arguments)
        match process.name:
            case "mailbox":
                arguments += ["--folder", str(self.folder / "mail")]
                arguments += [
                    "--smtp-port",
                    str(self.ports["smtp"]),
                    "--http-port",
                    str(self.ports["mailbox"]),
                ]
            case "receiver":
                arguments += [
                    "--folder",
                    str(self.folder / "webhooks"),
                    "--port",
                    str(self.ports["receiver"]),
                ]
                arguments += ["--secret-file", str(self.folder / "secrets" / "webhook_secret")]
        return [sys.executable, "-m", process.package, *arguments]

    def settings(self, process: Process) -> dict[str, str]:
        """Return the settings of a process, as environment variables."""
        settings = {process.port_setting: str(self.ports[process.name])} if process.is_service else {}
        if process.role:
            settings |= self.databases[process.role].environment(process.package)
        if "kafka" in process.needs:
            settings |= self.kafka
        if "secret" in process.needs:
            settings["REGISTRATION_SECRET_KEY"] = self.secrets["registration_secret_key"]
        match process.package:
            case "registration":
                settings["REGISTRATION_IMPORT_SPOOL_DIR"] = str(self.folder / "imports")
                settings["REGISTRATION_PUBLIC_URL"] = f"http://{HOST}:{self.ports['api']}"
            case "notifier":
                settings |= self._notifier()
            case "board":
                settings["BOARD_TARGETS_FILE"] = str(self.config / "targets.yaml")
                settings["BOARD_STATE_FILE"] = str(self.folder / f"{process.name}.json")
        return settings

    def command_settings(self, package: str, command: str) -> dict[str, str]:
        """Return the settings of a service's one-shot command, such as `key` or `migrate`.

        They are the settings of all processes of the service, without their ports. A command logs in as the
        role of the service's first process. But `recover` logs in as that of the relay, and `migrate` as the
        owner of the schema.
        """
        settings: dict[str, str] = {}
        for process in PROCESSES.values():
            if process.package == package:
                settings = {**self.settings(process), **settings}
                settings.pop(process.port_setting, None)
        if command == "recover":
            settings |= self.settings(PROCESSES["relay"])
        if command == "migrate":
            settings[f"{package.upper()}_DATABASE_OWNER_PASSWORD"] = self.databases[package].password
        return settings

    def _notifier(self) -> dict[str, str]:
        receiver = {
            "url": f"http://{HOST}:{self.ports['receiver']}/",
            "secret": self.secrets["webhook_secret"],
        }
        settings = {
            "NOTIFIER_RULES_FILE": str(self.config / "rules.yaml"),
            "NOTIFIER_TARGETS_FILE": str(self.config / "targets.yaml"),
            "NOTIFIER_PUBLIC_URL": f"http://{HOST}:{self.ports['notifier']}",
            "NOTIFIER_BOARD_URL": f"http://{HOST}:{self.ports['board']}",
            "NOTIFIER_SMTP_HOST": HOST,
            "NOTIFIER_SMTP_PORT": str(self.ports["smtp"]),
            "NOTIFIER_WEBHOOKS": json.dumps({"control-room": receiver}),
            "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": json.dumps(["127.0.0.0/8"]),
            "NOTIFIER_LINK_SECRET": self.secrets["notifier_link_secret"],
        }
        if "officer" in self.keys:
            digest = hashlib.sha256(self.keys["officer"].encode()).hexdigest()
            settings["NOTIFIER_OFFICER_KEY_HASH"] = digest
        return settings
