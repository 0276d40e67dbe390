"""Publishes a topic again from the database if the topic was lost: deleted and created again, or restored.

Records are acknowledged before they are marked as published. So a topic's end offset is below the number of
records that are marked as published only if the topic has lost records.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiokafka.errors import KafkaError
from prometheus_client import Counter

from kafka.leader_producer import SupersededError
from outbox.leader import LeaderStep
from telemetry.logs import get

CHECK_EVERY_S: Final = 5.0
CHECK_S_MAX: Final = 5.0

LOST: Final = Counter("outbox_topics_lost", "Topics that were lost and published again.", ["outbox"])

log = get()


class TopicLostError(Exception):
    """The topic was lost; its records are due again. The leader takes over again with a new producer."""


class PublishedTopic(Protocol):
    """What the database knows of a topic's records."""

    async def records_min(self) -> int:
        """Return the number of records that were marked as published since `publish_again`, or in all."""

    async def publish_again(self, term: int) -> bool:
        """Make everything that the topic should contain due again; `records_min` is then 0.

        Return False, without a change, if the lease no longer has this term.
        """


class LostTopicStep:
    """A leader's step that first checks whether the topic was lost. Implements `outbox.leader.LeaderStep`.

    It checks at each take-over and every CHECK_EVERY_S. If the broker does not answer, it continues.
    `topic_end` returns the topic's end offset.
    """

    def __init__(
        self,
        name: str,
        step: LeaderStep,
        published: PublishedTopic,
        topic_end: Callable[[], Awaitable[int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._step = step
        self._published = published
        self._topic_end = topic_end
        self._clock = clock
        self._checked_at_s = float("-inf")

    async def take_over(self, term: int) -> int:
        """See `LeaderStep`."""
        await self._publish_again_if_lost(term)
        return await self._step.take_over(term)

    async def lead_once(self, term: int) -> float:
        """See `LeaderStep`. Raises TopicLostError if the topic was lost."""
        is_check_due = self._clock() - self._checked_at_s >= CHECK_EVERY_S
        if is_check_due and await self._publish_again_if_lost(term):
            raise TopicLostError(self._name)
        return await self._step.lead_once(term)

    def step_down(self) -> None:
        """See `LeaderStep`."""
        self._step.step_down()

    async def _publish_again_if_lost(self, term: int) -> bool:
        if not await self._is_lost():
            return False
        if not await self._published.publish_again(term):
            raise SupersededError(f"term {term} of {self._name} has ended")
        LOST.labels(self._name).inc()
        log.warning("topic lost, published again", outbox=self._name)
        return True

    async def _is_lost(self) -> bool:
        records_min = await self._published.records_min()
        try:
            async with asyncio.timeout(CHECK_S_MAX):
                return records_min > 0 and await self._topic_end() < records_min
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("topic not checked", outbox=self._name, error=type(error).__name__)
            return False
        finally:
            self._checked_at_s = self._clock()
