"""A reader of a topic can be closed while its broker is dead."""

from __future__ import annotations

import pytest

from cuts.single_partition_reader import open_topic_log
from tests.support.broker import Broker
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration


async def test_closing_a_reader_of_a_dead_broker_raises_no_cancellation(
    own_kafka: Broker, topics: Topics
) -> None:
    tries = 0

    async with open_topic_log(topics.settings(), "region-counts") as log:
        log.seek(0)
        await log.poll(0.1)
        own_kafka.kill()
        while tries < 5:  # until a failed fetch waits for its retry, which must not block closing
            await log.poll(0.3)
            tries += 1

    assert tries == 5
