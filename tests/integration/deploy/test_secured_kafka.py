"""Kafka of docker-compose.yml refuses wrong passwords, and topics and groups of other services."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from deploy.access_rules import set_access_rules
from deploy.local.one_shot_commands import clean_environment
from deploy.secret_volumes import create_secrets
from deploy.topics import TopicsError, create_topics, read_topics
from kafka.connection_fault import find_fault
from kafka.record_deletion import delete_all_records
from kafka.settings import KafkaSettings
from kafka.topic_reader import newest_records
from settings.contract_files import contract_path
from tests.support.board.processes import BoardProcess
from tests.support.deadlines import until
from tests.support.secured_broker import SecuredKafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SERVICES = ("registration", "aggregator", "notifier", "board")
TOPICS = read_topics(contract_path("topics.yaml"))
WRONG_PASSWORD = "not-the-password-of-anybody"
WAIT_S_MAX = 20.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """The broker, after `python -m deploy.topics` has created the topics and the access rules."""
    broker = SecuredKafka(tmp_path_factory.mktemp("secured"))
    try:
        done = create_by_command(broker.settings("kafka-admin"), "--wait-s=100")
        assert done.returncode == 0, done.stderr + broker.log()
        yield broker
    finally:
        broker.close()


def create_by_command(settings: KafkaSettings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.topics", *arguments],
        env=clean_environment(environment(settings)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def environment(settings: KafkaSettings) -> dict[str, str]:
    password = settings.sasl_password and settings.sasl_password.get_secret_value()
    return {
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "KAFKA_SECURITY_PROTOCOL": settings.security_protocol,
        "KAFKA_SASL_MECHANISM": settings.sasl_mechanism,
        "KAFKA_SASL_USERNAME": settings.sasl_username or "",
        "KAFKA_SASL_PASSWORD": password or "",
        "KAFKA_SSL_CA_FILE": settings.ssl_ca_file or "",
    }


@asynccontextmanager
async def producer(settings: KafkaSettings, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    opened = AIOKafkaProducer(**settings.client_options(), **options)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


async def allowed(attempt: Any) -> bool:
    try:
        await asyncio.wait_for(attempt, WAIT_S_MAX)
    except (TopicAuthorizationFailedError, GroupAuthorizationFailedError):
        return False
    return True


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_writes_only_its_own_topics(broker: SecuredKafka, service: str) -> None:
    async with producer(broker.settings(service)) as opened:
        written = {
            topic.name
            for topic in TOPICS
            if await allowed(opened.send_and_wait(topic.name, b"value", b"key"))
        }

    assert written == {topic.name for topic in TOPICS if topic.writer == service}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_only_the_topics_of_the_contract(broker: SecuredKafka, service: str) -> None:
    settings = broker.settings(service)

    readable = await visible_topics(settings)
    for topic in readable:
        await newest_records(settings, topic, 1)

    assert readable == {topic.name for topic in TOPICS if service in (topic.writer, *topic.readers)}


async def visible_topics(settings: KafkaSettings) -> set[str]:
    """Return the topics that the broker shows to the user: those to which the user has any access."""
    consumer = AIOKafkaConsumer(**settings.client_options(), group_id=None)
    await consumer.start()
    try:
        return set(await consumer.topics())
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("service", "group", "joins"),
    [
        ("aggregator", "aggregator", True),
        ("aggregator", "registration", False),
        ("registration", "aggregator", False),
        ("board", "aggregator", False),
        ("board", "board", False),
    ],
)
async def test_a_service_joins_only_its_own_groups(
    broker: SecuredKafka, service: str, group: str, joins: bool
) -> None:
    topic = next(topic.name for topic in TOPICS if service in (topic.writer, *topic.readers))
    consumer = AIOKafkaConsumer(topic, **broker.settings(service).client_options(), group_id=group)

    try:
        joined = await allowed(join(consumer))
    finally:
        await consumer.stop()

    assert joined == joins


async def join(consumer: AIOKafkaConsumer) -> None:
    await consumer.start()
    while not consumer.assignment():
        await consumer.getmany(timeout_ms=100)


async def test_only_the_register_empties_its_topic(broker: SecuredKafka) -> None:
    await delete_all_records(broker.settings("registration"), "participant-events", range(12))

    with pytest.raises(KafkaError):
        await delete_all_records(broker.settings("aggregator"), "participant-events", range(12))


async def test_a_service_creates_no_topic(broker: SecuredKafka) -> None:
    new = [replace(TOPICS[0], name="another")]

    with pytest.raises(TopicsError, match=r"another.*[Aa]uthorization"):
        await create_topics(broker.settings("registration"), new, wait_s=0)


async def test_a_rule_that_the_contract_lacks_is_removed(broker: SecuredKafka) -> None:
    settings = broker.settings("kafka-admin")
    wider = [replace(topic, readers=(*topic.readers, "notifier")) for topic in TOPICS]
    await asyncio.to_thread(set_access_rules, settings, wider)
    before = await visible_topics(broker.settings("notifier"))

    await asyncio.to_thread(set_access_rules, settings, TOPICS)

    assert before == {topic.name for topic in TOPICS}
    assert await visible_topics(broker.settings("notifier")) == {"region-counts", "milestones"}


async def test_a_wrong_password_is_one_message_with_the_remedy(broker: SecuredKafka) -> None:
    wrong = broker.settings("kafka-admin", password=WRONG_PASSWORD)

    done = await asyncio.to_thread(create_by_command, wrong, "--wait-s", "0")

    assert done.returncode == 1
    (message,) = done.stderr.splitlines()
    assert "refuses the password of the user admin. Correct KAFKA_SASL_USERNAME" in message
    assert WRONG_PASSWORD not in message


async def test_a_process_with_a_wrong_password_says_it_once_and_stays_unready(
    broker: SecuredKafka, tmp_path: Path
) -> None:
    board = BoardProcess(tmp_path, environment(broker.settings("board", password=WRONG_PASSWORD)))

    async def explained() -> bool:
        answer = await board.http.get("/health/ready")
        return answer.status_code == 503 and "refuses the password" in answer.json()["details"].get(
            "kafka", ""
        )

    try:
        await board.start()
        await until(explained, 30, 0.2, "the board names the fault")
    finally:
        await board.close()

    log = (tmp_path / "board.log").read_text()
    assert log.count("dependency unreachable") == 1
    assert WRONG_PASSWORD not in log


async def test_each_fault_of_a_connection_has_its_own_message(broker: SecuredKafka) -> None:
    settings = broker.settings("board")
    faults: dict[str, dict[str, str | None]] = {
        "is not signed by the system's authorities": {"ssl_ca_file": None},
        "does not speak PLAINTEXT": {"security_protocol": "PLAINTEXT"},
        "does not offer PLAIN": {"sasl_mechanism": "PLAIN"},
        "refuses the password of the user nobody": {"sasl_username": "nobody"},
        "no broker answers": {"bootstrap_servers": "127.0.0.1:1"},
    }

    assert await find_fault(settings) == ""
    for message, changed in faults.items():
        assert message in await find_fault(settings.model_copy(update=changed)), message


async def test_a_new_password_of_a_user_replaces_the_former_one(broker: SecuredKafka) -> None:
    former = broker.settings("board")
    for file in (broker.secrets / "board/kafka_sasl_password", broker.secrets / "kafka/kafka_board_password"):
        file.unlink()
    create_secrets(broker.secrets, datetime.now(UTC))

    await asyncio.to_thread(broker.set_password, "board")

    async def the_new_one_is_accepted() -> bool:
        return await find_fault(broker.settings("board")) == ""

    await until(the_new_one_is_accepted, 30, 0.2)
    assert "refuses the password of the user board" in await find_fault(former)


async def test_three_brokers_keep_a_record_on_two_and_go_on_without_one(tmp_path: Path) -> None:
    cluster = SecuredKafka(tmp_path, 3)
    try:
        done = await asyncio.to_thread(
            create_by_command, cluster.settings("kafka-admin"), "--replication=3", "--wait-s=100"
        )
        assert done.returncode == 0, done.stderr + cluster.log()
        async with producer(cluster.settings("notifier"), acks="all", request_timeout_ms=90_000) as opened:
            await opened.send_and_wait("milestones", b"before", b"key")
            cluster.kill(1)
            await opened.send_and_wait("milestones", b"after", b"key")
        again = await asyncio.to_thread(create_by_command, cluster.settings("kafka-admin"), "--replication=2")
    finally:
        cluster.close()

    assert again.returncode == 1
    assert "milestones has min.insync.replicas=2, the contract says 1: set it with" in again.stderr
