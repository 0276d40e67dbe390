"""The processes of all services, with something to show."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.board.input_topic_writer import TopicWriter, minutes_ago, topic_writer
from tests.support.stack import Stack
from tests.support.topic_prefixes import Topics


@pytest.fixture
async def source(topics: Topics) -> AsyncIterator[TopicWriter]:
    """A writer to the topics, which have a cut, a milestone and growth already."""
    async with topic_writer(topics) as writer:
        writer.register("31.71.01.1001", 250_000)
        await writer.full()
        await writer.register_state()
        await writer.minute(minutes_ago(1), {"31": 20})
        await writer.day({"31": 249_000})
        await writer.milestone("31", 200_000)
        yield writer


@pytest.fixture
def filled(stack: Stack, source: TopicWriter) -> Stack:
    """The stack, whose board and notifier have something to read."""
    return stack
