"""Group commit: a bounded queue of operations, and one task that writes the queued operations in batches.

Each batch is one transaction. Each caller gets its answer after the commit. Special cases:
- An operation that has waited too long in the queue fails. It is not written afterwards.
- If an operation with the same idempotency key is queued or being written, a request waits for its answer.
- If the reply to COMMIT is lost, or if a fail-over may lose the commit, the batch is run again. Its
  idempotency keys show whether the first transaction was committed. The repetition waits for the standby.
- If a value in the batch cannot be stored, the batch is halved repeatedly until the operation with that value
  is alone. Only this operation is refused.
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

from lifecycle.backoff import Backoff
from registration import metrics
from registration.domain.idempotent_operation import Answer, Operation, OperationFault
from registration.store.error_classification import AmbiguousCommitError, Failure, failure_of
from telemetry.logs import get

log = get()

IDLE_S: Final = 1.0
COMMIT_S_MAX: Final = 5.0
"""A batch that takes longer, with its repetitions, is reported as a degradation of the process."""
RETRY_DELAY_S_MIN: Final = 0.01
RETRY_DELAY_S_MAX: Final = 1.0


class OverloadReason(StrEnum):
    """Why an operation got no answer. The caller may send the request again later."""

    QUEUE_FULL = "queue-full"
    WAITED_TOO_LONG = "waited-too-long"
    DATABASE_UNAVAILABLE = "database-unavailable"
    STOPPING = "stopping"
    OUTCOME_UNKNOWN = "outcome-unknown"
    """The reply to COMMIT was lost, and retries could not find the outcome in time. A repeated request with
    the same idempotency key gets the outcome."""


class OverloadedError(Exception):
    """The operation got no answer.

    The caller may repeat the request with the same idempotency key after `retry_after_s` seconds.
    """

    def __init__(self, reason: OverloadReason, retry_after_s: int) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.retry_after_s = retry_after_s


class QueueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of the queue and of a batch.

    `waited_s_max` limits the wait in the queue. `ambiguous_s_max` limits the retries after the reply to
    COMMIT was lost.
    """

    queue_length_max: int = 10_000
    batch_rows_max: int = 2_000
    waited_s_max: float = 2.0
    ambiguous_s_max: float = 30.0
    retry_after_s: int = 2


@dataclass(slots=True, eq=False)
class _PendingOperation:
    operation: Operation
    arrived_s: float
    # One future per waiting caller, in the order of arrival. A caller that disconnects cancels only its own
    # future.
    futures: list[asyncio.Future[Answer]]
    # When the reply to a COMMIT of this operation was first lost; None if the operation is certainly
    # unwritten.
    ambiguous_since_s: float | None = field(default=None)


WriteBatch = Callable[[Sequence[Operation]], Awaitable[list[Answer]]]
"""Writes a batch in one transaction. After every error except AmbiguousCommitError, nothing was written."""


class GroupCommit:
    """Writes all operations of a process. Any coroutine may call `submit`, but only one may call `run`."""

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
        self._queue: deque[_PendingOperation] = deque()
        self._in_flight: dict[tuple[str, str, str], _PendingOperation] = {}
        self._arrived = asyncio.Event()
        self._stopping = False
        self._writing_since_s: float | None = None

    async def submit(self, operation: Operation) -> Answer:
        """Write an operation and return its answer after the commit. Raises OverloadedError."""
        first = self._in_flight.get(operation.unique_key)
        if first is not None:
            if first.operation.body_hmac != operation.body_hmac:
                return Answer(OperationFault.KEY_REUSED, replayed=True)
            first.futures.append(asyncio.get_running_loop().create_future())
            return msgspec.structs.replace(await first.futures[-1], replayed=True)
        if self._stopping:
            raise self._overloaded(OverloadReason.STOPPING)
        if len(self._queue) >= self._limits.queue_length_max:
            raise self._overloaded(OverloadReason.QUEUE_FULL)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        pending = _PendingOperation(operation, self._clock(), [future])
        self._in_flight[operation.unique_key] = pending
        self._queue.append(pending)
        self._arrived.set()
        return await future

    async def run(self, beat: Callable[[], None]) -> None:
        """Write batches until `stop` was called and the queue is empty.

        `beat` is called before each batch, and every second while no operation arrives.
        """
        expiry = asyncio.ensure_future(self._expire_forever())
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
                    self._writing_since_s = self._clock()
                    await self._write_batch(self._next_batch())
                    self._writing_since_s = None
        finally:
            expiry.cancel()

    async def ask_whether_it_commits(self) -> None:
        """Raise TimeoutError if the current batch has been written for more than COMMIT_S_MAX seconds."""
        since_s = self._writing_since_s
        if since_s is not None and self._clock() - since_s > COMMIT_S_MAX:
            raise TimeoutError("commits do not return")

    def stop(self) -> None:
        """Accept no more operations. Operations that are already queued are still written."""
        self._stopping = True
        self._arrived.set()

    def _next_batch(self) -> list[_PendingOperation]:
        count = min(len(self._queue), self._limits.batch_rows_max)
        batch = [self._queue.popleft() for _ in range(count)]
        metrics.QUEUE_LENGTH.set(len(self._queue))
        return batch

    async def _write_batch(self, batch: list[_PendingOperation]) -> None:
        """Repeat the batch's transaction until each of its operations has an answer or an error."""
        backoff = Backoff(RETRY_DELAY_S_MIN, RETRY_DELAY_S_MAX)
        while batch := self._without_expired(batch):
            started_s = self._clock()
            try:
                answers = await self._write([pending.operation for pending in batch])
            except AmbiguousCommitError as error:
                self._count_failure("ambiguous", error)
                for pending in batch:
                    pending.ambiguous_since_s = pending.ambiguous_since_s or self._clock()
            except Exception as error:  # no error may end the loop that writes the batches
                failure = failure_of(error)
                self._count_failure(failure or "unknown", error)
                if failure is Failure.DATA:
                    await self._write_halves(batch)
                    return
                if failure is not Failure.REPEAT:
                    batch = self._fail_unwritten(batch, error if failure is None else None)
            else:
                metrics.BATCH_ROWS.observe(len(batch))
                metrics.BATCH_SECONDS.observe(self._clock() - started_s)
                for pending, answer in zip(batch, answers, strict=True):
                    self._answer(pending, answer)
                return
            if batch:
                await self._sleep(next(backoff))

    async def _write_halves(self, batch: list[_PendingOperation]) -> None:
        if len(batch) == 1:
            self._answer(batch[0], Answer(OperationFault.UNSTORABLE))
            return
        middle = len(batch) // 2
        await self._write_batch(batch[:middle])
        await self._write_batch(batch[middle:])

    def _fail_unwritten(
        self, batch: list[_PendingOperation], error: Exception | None
    ) -> list[_PendingOperation]:
        """Fail the operations that are certainly unwritten, and return those whose outcome is unknown."""
        for pending in batch:
            if pending.ambiguous_since_s is None:
                self._fail(pending, error or self._overloaded(OverloadReason.DATABASE_UNAVAILABLE))
        return [pending for pending in batch if pending.ambiguous_since_s is not None]

    def _without_expired(self, batch: list[_PendingOperation]) -> list[_PendingOperation]:
        now = self._clock()
        kept = []
        for pending in batch:
            if pending.ambiguous_since_s is None:
                late = now - pending.arrived_s > self._limits.waited_s_max
                reason = OverloadReason.WAITED_TOO_LONG
            else:
                late = now - pending.ambiguous_since_s > self._limits.ambiguous_s_max
                reason = OverloadReason.OUTCOME_UNKNOWN
            if late:
                self._fail(pending, self._overloaded(reason))
            else:
                kept.append(pending)
        return kept

    async def _expire_forever(self) -> None:
        """Fail the operations that wait in the queue for too long, even while a transaction blocks.

        Operations in the queue are certainly unwritten.
        """
        while True:
            await asyncio.sleep(self._limits.waited_s_max / 8)
            now = self._clock()
            while self._queue and now - self._queue[0].arrived_s > self._limits.waited_s_max:
                self._fail(self._queue.popleft(), self._overloaded(OverloadReason.WAITED_TOO_LONG))

    def _answer(self, pending: _PendingOperation, answer: Answer) -> None:
        if pending.ambiguous_since_s is not None and answer.outcome is not OperationFault.KEY_REUSED:
            # An earlier transaction of this batch stored the answer, but no response has carried it yet. So
            # for the request it is no replay.
            answer = msgspec.structs.replace(answer, replayed=False)
        self._remove(pending)
        for future in pending.futures:
            if not future.done():
                future.set_result(answer)

    def _fail(self, pending: _PendingOperation, error: Exception) -> None:
        self._remove(pending)
        for future in pending.futures:
            if not future.done():
                future.set_exception(error)
                # Retrieve the exception here, or asyncio reports it if the caller has disconnected.
                future.exception()

    def _remove(self, pending: _PendingOperation) -> None:
        del self._in_flight[pending.operation.unique_key]
        metrics.WAITED_SECONDS.observe(self._clock() - pending.arrived_s)

    def _overloaded(self, reason: OverloadReason) -> OverloadedError:
        metrics.OVERLOADED.labels(reason.value).inc()
        return OverloadedError(reason, self._limits.retry_after_s)

    @staticmethod
    def _count_failure(failure: str, error: Exception) -> None:
        metrics.BATCH_FAILURES.labels(str(failure)).inc()
        log.warning("batch failed", failure=str(failure), error=type(error).__name__)
