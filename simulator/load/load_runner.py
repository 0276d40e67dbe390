"""Runs the load of a Fest night: writes each action to the ledger, sends it, and writes its answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from simulator.load.crowd import KnownParticipant, PlannedAction, Scenario
from simulator.load.expected_state import participant_after
from simulator.load.http_requests import FORMS, request
from simulator.load.latencies import Latencies
from simulator.load.ledger import Answer, Intent, Ledger, Run
from simulator.load.request_sender import RequestSender

IN_FLIGHT_MAX: Final = 4_000


@dataclass(slots=True)
class Progress:
    """The counters of a run so far."""

    sent: int = 0
    not_sent: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    retried: int = 0
    response_times: Latencies = field(default_factory=Latencies)

    @property
    def registered(self) -> int:
        """Accepted registrations of people who were not registered before."""
        return self.outcomes["register", "accepted"] + self.outcomes["probe", "accepted"]

    def total(self, outcome: str) -> int:
        """Return the number of requests with this outcome."""
        return sum(count for (_, counted), count in self.outcomes.items() if counted == outcome)


@dataclass(slots=True)
class LoadRunner:
    """Sends the actions of a scenario to a register.

    The sender `booth` sends registrations; the sender `officer` sends changes.
    """

    run: Run
    ledger: Ledger
    scenario: Scenario
    booth: RequestSender
    officer: RequestSender
    progress: Progress = field(default_factory=Progress)
    known: dict[str, KnownParticipant] = field(default_factory=dict)
    _number: int = 0
    _in_flight: set[asyncio.Task[tuple[Answer, float]]] = field(default_factory=set)
    _failure: BaseException | None = None

    async def play(self, times_s: Iterator[float], stopping: asyncio.Event) -> None:
        """Send an action at each of `times_s` (seconds from now) until `stopping` is set; await all answers.

        The load is open-loop: an action that is due while IN_FLIGHT_MAX requests are in flight is counted as
        not sent, and never queued. An error that prevents writing a request to the ledger or reading its
        response, such as a full disk, ends the run and is raised.
        """
        start = time.monotonic()
        for at_s in times_s:
            wait_s = start + at_s - time.monotonic()
            if wait_s > 0 and await _stopped(stopping, wait_s):
                break
            if stopping.is_set() or self._failure:
                break
            self._start(self.scenario.next_action())
        while self._in_flight:
            await asyncio.wait(self._in_flight)
        if self._failure:
            raise self._failure

    def _start(self, plan: PlannedAction) -> None:
        if len(self._in_flight) >= IN_FLIGHT_MAX:
            self.progress.not_sent += 1
            if plan.known:
                self.scenario.release(plan.known)
            return
        task = asyncio.ensure_future(self.execute(plan))
        self._in_flight.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[tuple[Answer, float]]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled():
            self._failure = self._failure or task.exception()

    async def execute(self, plan: PlannedAction) -> tuple[Answer, float]:
        """Write the intent to the ledger, send it, and write the answer.

        Return the answer, and the time at which it arrived, in seconds of the monotonic clock.
        """
        intent = self._intent(plan)
        self.progress.sent += 1
        await self.ledger.put(intent)
        began_s = time.monotonic()
        answer = await self.sender_of(plan.kind).send(intent, request(intent, self.run))
        answered_s = time.monotonic()
        self.progress.response_times.add(answered_s - began_s)
        self._apply(intent, answer, plan.known)
        await self.ledger.put(answer)
        return answer, answered_s

    def _intent(self, plan: PlannedAction) -> Intent:
        self._number += 1
        key, at = f"{self.run.run}-{self._number}", datetime.now(UTC).isoformat(timespec="seconds")
        if plan.kind == "repeat" and plan.known:
            key, at = plan.known.key, plan.known.at
        changed = plan.known if plan.kind not in FORMS else None
        return Intent(
            number=self._number,
            kind=plan.kind,
            key=key,
            person=plan.person,
            region=plan.region,
            at=at,
            campaign=plan.campaign if plan.kind in FORMS else None,
            participant=changed.participant if changed else None,
            revision=changed.revision if changed else None,
            step=plan.step,
        )

    def _apply(self, intent: Intent, answer: Answer, before: KnownParticipant | None) -> None:
        self.progress.outcomes[intent.kind, answer.outcome] += 1
        self.progress.retried += answer.attempts > 1
        after = participant_after(intent, answer, before)
        if after is None:
            return
        self.known[after.participant] = after
        if answer.outcome != "unknown" and intent.kind != "probe":
            self.scenario.release(after)

    def sender_of(self, kind: str) -> RequestSender:
        """Return the sender for a kind of action: a booth registers, an officer changes participants."""
        return self.booth if kind in FORMS else self.officer


async def _stopped(stopping: asyncio.Event, wait_s: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), wait_s)
    except TimeoutError:
        return False
    return True
