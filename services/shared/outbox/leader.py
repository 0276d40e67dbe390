"""The life of a leader: it holds a lease, takes over a topic, runs a step, and drops its producer.

At most one process leads. A step may write to a topic as if it were alone if one of two things holds: each
record carries the term, or a stored position moves only by a statement that requires the term.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from kafka.leader_producer import LeaderProducer, SupersededError
from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group
from outbox.leadership import RENEW_EVERY_S, Leadership
from outbox.metrics import ROUNDS
from telemetry.health import Progress
from telemetry.logs import get

log = get()

STANDBY_PAUSE_S: Final = 0.2
RENEWAL_FAILING_S_MAX: Final = 60.0
FAILING_READY_S_MAX: Final = 5.0
"""A leader whose steps fail for this long is not ready."""


class LeaderStep(Protocol):
    """The work of a leader."""

    async def take_over(self, term: int) -> int:
        """Start from stored positions or the topic. Return the topic's highest term; 0 if it has no terms.

        It is called before the first step of a term, and again after each failure.
        """

    async def lead_once(self, term: int) -> float:
        """Do the work that is due, and return the seconds until the next call.

        Raises SupersededError if another process leads.
        """

    def step_down(self) -> None:
        """Report nothing more as a leader, because this process does not hold the lease."""


class Leader:
    """Runs a step while this process holds the lease, and stands by while another process holds it."""

    def __init__(
        self,
        lease: Leadership,
        step: LeaderStep,
        producer: LeaderProducer,
        *,
        progress: Progress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease
        self._step = step
        self._producer = producer
        self._progress = progress
        self._term: int | None = None
        """The term that was taken over; None after a failure or a lost lease."""
        self._own_term: int | None = None
        """The term of the last take-over, also after a failure: so this process knows its own records."""
        self._clock = clock
        self._succeeded_s = clock()
        """When the last step succeeded and its pause ended, or when this process stood by."""

    async def run(self, stopping: StopSignal) -> None:
        """Hold the lease and run the step until the stop, then release the lease for another process.

        Failures are retried without limit: another process takes the lease meanwhile, if one can.
        """
        try:
            await run_group(
                stopping, _renew_forever(self._lease, stopping, math.inf), self._lead_forever(stopping)
            )
        finally:
            await self._drop_producer()
            await _release(self._lease)

    async def lead_once(self) -> float:
        """Run the step once if this process leads; return the seconds until the next call.

        After a failure the producer is abandoned, and the next call takes over again.
        """
        if self._progress is not None:
            self._progress.beat()
        term = self._lease.term
        if not self._lease.led_last:
            self._succeeded_s = self._clock()
        try:
            if term is None:
                self._step.step_down()
                return await self._pause("standing_by")
            if term != self._term:
                term = await self._take_over(term)
            pause_s = await self._step.lead_once(term)
        except SupersededError as superseded:
            log.warning("leader superseded", lease=self._lease.name, reason=str(superseded))
            pause_s = await self._pause("superseded")
        except BaseException:
            await self._drop_producer()
            raise
        self._succeeded_s = self._clock() + pause_s
        return pause_s

    def is_ready(self, degraded_s: float) -> bool:
        """Whether the process does its work: it stands by, or it leads and its steps succeed.

        A process that led when it last reached the database counts as the leader. `degraded_s` is the time
        for which a system that a step needs has not answered: without work, steps succeed without it.
        """
        failing_s = max(degraded_s, self._clock() - self._succeeded_s)
        return not self._lease.led_last or failing_s < FAILING_READY_S_MAX

    async def _lead_forever(self, stopping: StopSignal) -> None:
        async def lead_and_pause() -> None:
            await stopping.wait(await self.lead_once())

        await run_forever(lead_and_pause, stopping, name=self._lease.name, failing_s_max=math.inf)

    async def _take_over(self, term: int) -> int:
        """Take over in this term, raised above every term of another leader in the topic.

        After a restore of the database from a backup, the term may be lower than the topic's. Readers would
        ignore records with such a term.
        """
        await self._drop_producer()
        topic_term = await self._step.take_over(term)
        if topic_term > term or (topic_term == term and term != self._own_term):
            raised = await self._lease.raise_term(topic_term)
            if raised is None:
                raise SupersededError("the lease was lost during the take-over")
            term = raised
        self._term = self._own_term = term
        log.info("leader took over", lease=self._lease.name, term=term)
        return term

    async def _pause(self, outcome: str) -> float:
        ROUNDS.labels(self._lease.name, outcome).inc()
        await self._drop_producer()
        return STANDBY_PAUSE_S

    async def _drop_producer(self) -> None:
        self._term = None
        await self._producer.abandon()


async def hold(lease: Leadership, work: Coroutine[Any, Any, None]) -> None:
    """Renew a lease that this process has acquired while `work` runs, then release it.

    Raises the exception of `work`. If the lease cannot be renewed for RENEWAL_FAILING_S_MAX seconds, cancels
    `work` and raises the failure.
    """
    done = StopSignal()
    try:
        await run_group(done, _renew_forever(lease, done, RENEWAL_FAILING_S_MAX), work)
    finally:
        await _release(lease)


async def _renew_forever(lease: Leadership, stopping: StopSignal, failing_s_max: float) -> None:
    await run_forever(
        lease.renew,
        stopping,
        name=f"{lease.name} lease",
        pause_s=RENEW_EVERY_S,
        failing_s_max=failing_s_max,
    )


async def _release(lease: Leadership) -> None:
    with contextlib.suppress(Exception):  # if the database is down, the lease expires by itself
        await lease.release()
