"""Group commit: requests wait in a bounded queue, and one task writes all that wait in one transaction.

Each caller is answered after the commit. What is told, and when:
- A request that waited too long is refused before it is written, never after.
- A request with the key of one in flight waits for that one's answer.
- Where the answer to COMMIT is lost the batch is run again: its keys tell whether it had happened.
- Where one request's data cannot be stored the batch is halved until that one is alone, and refused.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import msgspec

from registration import metrics
from registration.domain.operation import Answer, Operation, OperationFault
from registration.store.errors import AmbiguousCommitError, Failure, failure_of
from telemetry.logs import get

log = get()

IDLE_S: Final = 1.0
RETRY_DELAY_S_MIN: Final = 0.01
RETRY_DELAY_S_MAX: Final = 1.0


class OverloadReason(StrEnum):
    """Why a request was not taken: come back later."""

    QUEUE_FULL = "queue-full"
    WAITED_TOO_LONG = "waited-too-long"
    DATABASE_UNAVAILABLE = "database-unavailable"
    STOPPING = "stopping"
    OUTCOME_UNKNOWN = "outcome-unknown"
    """The commit's answer was lost and could not be found out in time: the same key will tell."""


class OverloadedError(Exception):
    """The request was not answered; it may be sent again, with the same key."""

    def __init__(self, reason: OverloadReason, retry_after_s: int) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.retry_after_s = retry_after_s


class QueueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of the writer."""

    queue_length_max: int = 10_000
    batch_rows_max: int = 2_000
    waited_s_max: float = 2.0
    ambiguous_s_max: float = 30.0
    retry_after_s: int = 2


@dataclass(slots=True, eq=False)
class _Waiting:
    operation: Operation
    since: float
    # One for each caller that waits, the first's first: who hangs up takes nobody along.
    answers: list[asyncio.Future[Answer]]
    # Since when a commit that held it has been ambiguous; None where it is surely not written.
    ambiguous_since: float | None = field(default=None)


WriteBatch = Callable[[Sequence[Operation]], Awaitable[list[Answer]]]
"""Writes one transaction; raises CommitAmbiguous, or an error after which nothing was written."""


class GroupCommit:
    """The one writer of a process. `submit` from anywhere in the loop; `run` is its task."""

    def __init__(
        self,
        write: WriteBatch,
        limits: QueueLimits,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._write = write
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._queue: deque[_Waiting] = deque()
        self._in_flight: dict[tuple[str, str, str], _Waiting] = {}
        self._arrived = asyncio.Event()
        self._stopping = False

    async def submit(self, operation: Operation) -> Answer:
        """The answer, once it is committed. Raises OverloadedError."""
        first = self._in_flight.get(operation.place)
        if first is not None:
            if first.operation.body_hmac != operation.body_hmac:
                return Answer(OperationFault.KEY_REUSED, replayed=True)
            first.answers.append(asyncio.get_running_loop().create_future())
            return msgspec.structs.replace(await first.answers[-1], replayed=True)
        if self._stopping:
            raise self._overloaded(OverloadReason.STOPPING)
        if len(self._queue) >= self._limits.queue_length_max:
            raise self._overloaded(OverloadReason.QUEUE_FULL)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(operation, self._clock(), [answer])
        self._in_flight[operation.place] = waiting
        self._queue.append(waiting)
        self._arrived.set()
        return await answer

    async def run(self, beat: Callable[[], None]) -> None:
        """Write until `stop` was called and the queue is empty; `beat` is called at least every second."""
        expiring = asyncio.ensure_future(self._expire_for_ever())
        try:
            while self._queue or not self._stopping:
                beat()
                try:
                    await asyncio.wait_for(self._arrived.wait(), IDLE_S)
                except TimeoutError:
                    continue
                self._arrived.clear()
                while self._queue:
                    beat()
                    await self._settle(self._take())
        finally:
            expiring.cancel()

    def stop(self) -> None:
        """Take no more; what waits is still written."""
        self._stopping = True
        self._arrived.set()

    def _take(self) -> list[_Waiting]:
        count = min(len(self._queue), self._limits.batch_rows_max)
        batch = [self._queue.popleft() for _ in range(count)]
        metrics.QUEUE_LENGTH.set(len(self._queue))
        return batch

    async def _settle(self, batch: list[_Waiting]) -> None:
        """Answer every one of a batch, however often it has to be run."""
        delay_s = RETRY_DELAY_S_MIN
        while batch := self._without_expired(batch):
            started = self._clock()
            try:
                answers = await self._write([waiting.operation for waiting in batch])
            except AmbiguousCommitError as error:
                self._note("ambiguous", error)
                for waiting in batch:
                    waiting.ambiguous_since = waiting.ambiguous_since or self._clock()
            except (
                Exception
            ) as error:  # the loop's edge: every error is counted, and ends in answers or a retry
                failure = failure_of(error)
                self._note(failure or "unknown", error)
                if failure is Failure.DATA:
                    await self._halve(batch)
                    return
                if failure is not Failure.REPEAT:
                    batch = self._give_up(batch, error if failure is None else None)
            else:
                metrics.BATCH_ROWS.observe(len(batch))
                metrics.BATCH_SECONDS.observe(self._clock() - started)
                for waiting, answer in zip(batch, answers, strict=True):
                    self._answer(waiting, answer)
                return
            if batch:
                await self._sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_DELAY_S_MAX)

    async def _halve(self, batch: list[_Waiting]) -> None:
        if len(batch) == 1:
            self._answer(batch[0], Answer(OperationFault.UNSTORABLE))
            return
        middle = len(batch) // 2
        await self._settle(batch[:middle])
        await self._settle(batch[middle:])

    def _give_up(self, batch: list[_Waiting], error: Exception | None) -> list[_Waiting]:
        """Refuse those that are surely not written; the others must still be found out."""
        for waiting in batch:
            if waiting.ambiguous_since is None:
                self._fail(waiting, error or self._overloaded(OverloadReason.DATABASE_UNAVAILABLE))
        return [waiting for waiting in batch if waiting.ambiguous_since is not None]

    def _without_expired(self, batch: list[_Waiting]) -> list[_Waiting]:
        now = self._clock()
        kept = []
        for waiting in batch:
            if waiting.ambiguous_since is None:
                late = now - waiting.since > self._limits.waited_s_max
                reason = OverloadReason.WAITED_TOO_LONG
            else:
                late = now - waiting.ambiguous_since > self._limits.ambiguous_s_max
                reason = OverloadReason.OUTCOME_UNKNOWN
            if late:
                self._fail(waiting, self._overloaded(reason))
            else:
                kept.append(waiting)
        return kept

    async def _expire_for_ever(self) -> None:
        """Answer in time even while a transaction stands: those in the queue are not written yet."""
        while True:
            await asyncio.sleep(self._limits.waited_s_max / 8)
            now = self._clock()
            while self._queue and now - self._queue[0].since > self._limits.waited_s_max:
                self._fail(self._queue.popleft(), self._overloaded(OverloadReason.WAITED_TOO_LONG))

    def _answer(self, waiting: _Waiting, answer: Answer) -> None:
        if waiting.ambiguous_since is not None and answer.outcome is not OperationFault.KEY_REUSED:
            # The row of its key was its own: this is the first time that anybody is told.
            answer = msgspec.structs.replace(answer, replayed=False)
        self._done(waiting)
        for each in waiting.answers:
            if not each.done():
                each.set_result(answer)

    def _fail(self, waiting: _Waiting, error: Exception) -> None:
        self._done(waiting)
        for each in waiting.answers:
            if not each.done():
                each.set_exception(error)
                # Retrieved here, so that a caller who has hung up leaves no complaint behind.
                each.exception()

    def _done(self, waiting: _Waiting) -> None:
        del self._in_flight[waiting.operation.place]
        metrics.WAITED_SECONDS.observe(self._clock() - waiting.since)

    def _overloaded(self, reason: OverloadReason) -> OverloadedError:
        metrics.OVERLOADED.labels(reason.value).inc()
        return OverloadedError(reason, self._limits.retry_after_s)

    @staticmethod
    def _note(failure: str, error: Exception) -> None:
        metrics.BATCH_FAILURES.labels(str(failure)).inc()
        log.warning("batch failed", failure=str(failure), error=type(error).__name__)
