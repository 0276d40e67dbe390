"""Moves the leadership of a topic's partitions to other brokers, as an operator's reassignment does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest

from tests.support.deadlines import until


async def move_leaders(bootstrap_servers: str, topics: list[str], deadline_s: float = 30.0) -> int:
    """Name another replica of each partition as the one to lead; returns once all lead: how many moved.

    The controller hands leadership over when it next compares (`leader.imbalance.check.interval.seconds`).
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        described = await admin.describe_topics(topics)
        wanted = {one["topic"]: _turned(one["partitions"]) for one in described}
        await _reassign(admin, wanted)

        async def all_lead() -> bool:
            found = await admin.describe_topics(topics)
            return all(
                partition["leader"] == wanted[one["topic"]][partition["partition"]][0]
                for one in found
                for partition in one["partitions"]
            )

        await until(all_lead, deadline_s, every_s=0.2)
    finally:
        await admin.close()
    return sum(len(partitions) for partitions in wanted.values())


def _turned(partitions: list[dict[str, Any]]) -> dict[int, list[int]]:
    """The same replicas of each partition, whoever follows its leader now first."""
    turned = {}
    for one in partitions:
        replicas = one["replicas"]
        at = replicas.index(one["leader"]) + 1 if one["leader"] in replicas else 1
        turned[one["partition"]] = [*replicas[at:], *replicas[:at]]
    return turned


async def _reassign(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[int, list[int]]]) -> None:
    topics: list[Any] = [
        (name, [(partition, replicas, {}) for partition, replicas in partitions.items()], {})
        for name, partitions in wanted.items()
    ]
    # aiokafka has the request, and no method for it.
    answer = await admin._send_to_controller(AlterPartitionReassignmentsRequest(10_000, topics, {}))
    assert answer.error_code == 0, answer.error_message
    for _, partitions, _ in answer.responses:
        for partition, error_code, message, _ in partitions:
            assert error_code == 0, f"partition {partition}: {message}"
