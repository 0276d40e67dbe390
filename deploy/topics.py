"""Creates the topics of `contract/topics.yaml` at the broker, and compares existing topics with the contract.

If the broker has users, it also grants the services their access. Run as `python -m deploy.topics` with the
services' KAFKA_* settings.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer
import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from deploy.access_rules import AccessError, set_access_rules
from kafka.connection_fault import find_fault
from kafka.settings import KafkaSettings
from settings.contract_files import contract_path
from settings.loader import load

RETRY_PAUSE_S: Final = 0.25
# Kafka's codes of the errors after which to retry: the controller has just changed, the broker is not
# registered yet, or the topic exists but is not listed yet, so that its partitions must still be checked.
RETRIABLE_CODES: Final = {6, 7, 36, 38, 41, 87}


class TopicsError(RuntimeError):
    """The topics could not be created.

    The broker is unreachable or refuses to create a topic, or an existing topic differs from the contract.
    """


@dataclass(frozen=True)
class Topic:
    """A topic of the contract; `name` is without the configured prefix.

    `writer` and `readers` are services. If `emptied` is set, the writer may delete all records.
    """

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)
    writer: str = ""
    readers: tuple[str, ...] = ()
    emptied: bool = False


def read_topics(path: Path) -> list[Topic]:
    """Read the topics of a contract file, a YAML list whose entries have a name, partitions and config."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Topic(
            entry["name"],
            int(entry["partitions"]),
            {k: str(v) for k, v in entry.get("config", {}).items()},
            entry["writer"],
            tuple(entry["readers"]),
            entry.get("emptied", False),
        )
        for entry in entries
    ]


async def create_topics(
    settings: KafkaSettings, topics: list[Topic], *, replication: int = 1, wait_s: float = 60.0
) -> list[str]:
    """Create the missing topics and return their full names, once the broker lists all topics.

    Wait up to `wait_s` seconds for the broker. Raises TopicsError if topics cannot be created, or if an
    existing topic has other partitions, fewer copies or another configuration: events could get into wrong
    partitions or be lost. Existing topics are not changed.
    """
    deadline = time.monotonic() + wait_s
    created: list[str] = []
    while True:
        try:
            if not (new := await _create_once(settings, topics, replication)):
                return created
            created += new
        except (KafkaError, OSError, TimeoutError) as error:
            if time.monotonic() > deadline:
                fault = await find_fault(settings) or f"{settings.bootstrap_servers}: {error!r}"
                raise TopicsError(fault) from error
            await asyncio.sleep(RETRY_PAUSE_S)


async def _create_once(settings: KafkaSettings, topics: list[Topic], replication: int) -> list[str]:
    admin = AIOKafkaAdminClient(**settings.client_options(), request_timeout_ms=15_000)
    try:
        await admin.start()
        present = set(await admin.list_topics())
        missing = [topic for topic in topics if settings.topic(topic.name) not in present]
        await _check(admin, settings, [topic for topic in topics if topic not in missing], replication)
        if not missing:
            return []
        answer = await admin.create_topics(
            [
                NewTopic(
                    name=settings.topic(topic.name),
                    num_partitions=topic.partitions,
                    replication_factor=replication,
                    topic_configs=_config(topic, replication),
                )
                for topic in missing
            ]
        )
        return _created(answer)
    finally:
        await admin.close()


def _created(answer: object) -> list[str]:
    names = []
    for name, code, *rest in answer.topic_errors:  # type: ignore[attr-defined]  # aiokafka ships no types
        if code in RETRIABLE_CODES:
            raise for_code(code)(name)
        if code == 0:
            names.append(name)
        else:
            raise TopicsError(f"{name}: {rest[0] if rest and rest[0] else for_code(code).__name__}")
    return names


def _config(topic: Topic, replication: int) -> dict[str, str]:
    """Return the topic's configuration. An acknowledged record is on all brokers with a copy but one."""
    return {**topic.config, "min.insync.replicas": str(max(1, replication - 1))}


async def _check(
    admin: AIOKafkaAdminClient, settings: KafkaSettings, present: list[Topic], replication: int
) -> None:
    if not present:
        return
    wanted = {settings.topic(topic.name): topic for topic in present}
    differences: list[str] = []
    for found in await admin.describe_topics(list(wanted)):
        if found["error_code"] == 0:
            differences += _shape_differences(found, wanted[found["topic"]], replication)
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    for answer in await admin.describe_configs(resources):
        for code, _, _, name, entries in answer.resources:
            if code == 0:
                found_config = {entry[0]: entry[1] for entry in entries}
                differences += _config_differences(name, found_config, _config(wanted[name], replication))
    if differences:
        raise TopicsError("; ".join(sorted(differences)))


def _shape_differences(found: Mapping[str, Any], topic: Topic, replication: int) -> list[str]:
    name, partitions = found["topic"], found["partitions"]
    differences = []
    if len(partitions) != topic.partitions:
        differences.append(
            f"{name} has {len(partitions)} partitions, the contract says {topic.partitions}: add partitions"
            " with kafka-topics --alter, or create the topic again if it has too many"
        )
    copies = min((len(partition["replicas"]) for partition in partitions), default=0)
    if copies < replication:
        differences.append(
            f"{name} has {copies} copies of a partition, {replication} are asked for: add them with"
            " kafka-reassign-partitions"
        )
    return differences


def _config_differences(name: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    return [
        f"{name} has {key}={found.get(key)}, the contract says {value}: set it with kafka-configs --alter"
        for key, value in wanted.items()
        if found.get(key) != value
    ]


def main(
    replication: int = typer.Option(
        1,
        envvar="TOPIC_REPLICATION",
        help="Copies of each partition (3 on a cluster of three brokers or more).",
    ),
    wait_s: float = typer.Option(60.0, help="Seconds to wait for the broker."),
) -> None:
    """Create the topics of the contract, compare existing topics with it, and grant access."""
    settings = load(KafkaSettings)
    topics = read_topics(contract_path("topics.yaml"))
    # The client logs each attempt to connect; the error below has the reason once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        created = asyncio.run(create_topics(settings, topics, replication=replication, wait_s=wait_s))
        if settings.security_protocol.startswith("SASL"):
            set_access_rules(settings, topics)
    except (TopicsError, AccessError) as error:
        typer.echo(f"topics not ready: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"topics created: {', '.join(created)}" if created else f"all {len(topics)} topics exist")


if __name__ == "__main__":
    typer.run(main)
