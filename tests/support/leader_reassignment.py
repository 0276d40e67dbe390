"""Moves partition leaders to other brokers, as an operator's reassignment does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest

from tests.support.deadlines import until


async def move_leaders(bootstrap_servers: str, topics: list[str], deadline_s: float = 60.0) -> int:
    """Make another replica the preferred leader of each partition, and wait until these replicas lead.

    Return the number of partitions. The controller moves a leader only at its next check, so the wait
    depends on `leader.imbalance.check.interval.seconds`.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        described = await admin.describe_topics(topics)
        wanted = {topic["topic"]: _rotated_replicas(topic["partitions"]) for topic in described}
        await _reassign(admin, wanted)

        async def all_lead() -> bool:
            found = await admin.describe_topics(topics)
            return all(
                partition["leader"] == wanted[topic["topic"]][partition["partition"]][0]
                for topic in found
                for partition in topic["partitions"]
            )

        await until(all_lead, deadline_s, every_s=0.2)
    finally:
        await admin.close()
    return sum(len(partitions) for partitions in wanted.values())


def _rotated_replicas(partitions: list[dict[str, Any]]) -> dict[int, list[int]]:
    """Return each partition's replicas, rotated so that the replica after the current leader comes first."""
    rotated = {}
    for partition in partitions:
        replicas = partition["replicas"]
        first = replicas.index(partition["leader"]) + 1 if partition["leader"] in replicas else 1
        rotated[partition["partition"]] = [*replicas[first:], *replicas[:first]]
    return rotated


async def _reassign(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[int, list[int]]]) -> None:
    topics: list[Any] = [
        (name, [(partition, replicas, {}) for partition, replicas in partitions.items()], {})
        for name, partitions in wanted.items()
    ]
    # aiokafka defines the request but has no public method for it.
    response = await admin._send_to_controller(AlterPartitionReassignmentsRequest(10_000, topics, {}))
    assert response.error_code == 0, response.error_message
    for _, partitions, _ in response.responses:
        for partition, error_code, message, _ in partitions:
            assert error_code == 0, f"partition {partition}: {message}"
