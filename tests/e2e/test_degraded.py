"""Every process names the systems that it cannot reach."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.stack import Stack

pytestmark = pytest.mark.integration
KAFKA_CLIENTS = ("relay", "audit", "worker", "publisher", "board")


async def test_while_kafka_hangs_every_process_that_uses_it_says_so(
    own_kafka: Broker, running_stack: Stack, http: ClientSession
) -> None:
    async def degraded(name: str) -> list[str]:
        async with http.get(f"{running_stack.url(name)}/health/ready") as response:
            names: list[str] = (await response.json())["degraded"]
            return names

    async def all_name(expected: list[str]) -> bool:
        return all([await degraded(name) == expected for name in KAFKA_CLIENTS])

    await until(lambda: all_name([]), 60, name="every process reaches Kafka")
    own_kafka.pause()
    await until(lambda: all_name(["kafka"]), name="every process names Kafka")
    api = await degraded("api")
    own_kafka.resume()

    assert api == []
    await until(lambda: all_name([]), 60, name="every process reaches Kafka again")
