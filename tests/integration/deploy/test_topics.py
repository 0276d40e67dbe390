"""Missing topics are created. Existing topics are not changed, but compared with the contract."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from deploy.local.one_shot_commands import clean_environment
from deploy.topics import TopicsError, create_topics, read_topics
from kafka.settings import KafkaSettings
from settings.contract_files import contract_path
from tests.support.broker import Broker
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration


async def test_existing_topics_are_not_changed(topics: Topics) -> None:
    again = await create_topics(topics.settings(), read_topics(contract_path("topics.yaml")))

    assert again == []


async def test_a_topic_with_another_number_of_partitions_is_refused(topics: Topics) -> None:
    wanted = [
        replace(topic, partitions=topic.partitions + 1) for topic in read_topics(contract_path("topics.yaml"))
    ]

    with pytest.raises(TopicsError, match="has 12 partitions, the contract says 13"):
        await create_topics(topics.settings(), wanted)


async def test_a_topic_with_another_configuration_is_refused(topics: Topics) -> None:
    wanted = read_topics(contract_path("topics.yaml"))
    wanted[0] = replace(wanted[0], config={**wanted[0].config, "retention.ms": "1000"})

    with pytest.raises(TopicsError, match=r"has retention\.ms=-1, the contract says 1000: set it with"):
        await create_topics(topics.settings(), wanted)


async def test_a_topic_with_too_few_copies_is_refused(topics: Topics) -> None:
    with pytest.raises(TopicsError, match="has 1 copies of a partition, 3 are asked for") as refused:
        await create_topics(topics.settings(), read_topics(contract_path("topics.yaml")), replication=3)

    assert "min.insync.replicas=1, the contract says 2" in str(refused.value)


async def test_an_unreachable_broker_is_reported_with_its_address() -> None:
    away = KafkaSettings(bootstrap_servers="127.0.0.1:1")

    with pytest.raises(
        TopicsError, match=r"127\.0\.0\.1:1: no broker answers .* correct KAFKA_BOOTSTRAP_SERVERS"
    ):
        await create_topics(away, [], wait_s=0.0)


def test_the_command_creates_every_topic_of_the_contract(kafka: Broker) -> None:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "KAFKA_TOPIC_PREFIX": "command-"}

    done = subprocess.run(
        [sys.executable, "-m", "deploy.topics"],
        env=clean_environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert all(f"command-{topic.name}" in done.stdout for topic in read_topics(contract_path("topics.yaml")))
