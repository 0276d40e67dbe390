"""A Fest night: people come, the ledger is written, requests go out, answers are followed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from simulator.load.expected_state import known_after
from simulator.load.latencies import Latencies
from simulator.load.ledger import Answer, Intent, Ledger, Run
from simulator.load.request_sender import Sender
from simulator.load.requests import FORMS, request
from simulator.load.scenario import Crowd, Known, Plan

IN_FLIGHT_MAX: Final = 4_000


@dataclass(slots=True)
class Progress:
    """What the night has seen so far."""

    sent: int = 0
    turned_away: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    retried: int = 0
    answered: Latencies = field(default_factory=Latencies)

    @property
    def registered(self) -> int:
        """Newcomers whose registration was accepted."""
        return self.outcomes["register", "accepted"] + self.outcomes["probe", "accepted"]

    def total(self, outcome: str) -> int:
        """Requests of any kind with this outcome."""
        return sum(count for (_, one), count in self.outcomes.items() if one == outcome)


@dataclass(slots=True)
class Fest:
    """Plays the night out. `senders` has one for booths, one for officers."""

    run: Run
    ledger: Ledger
    crowd: Crowd
    booth: Sender
    officer: Sender
    progress: Progress = field(default_factory=Progress)
    known: dict[str, Known] = field(default_factory=dict)
    _number: int = 0
    _in_flight: set[asyncio.Task[tuple[Answer, float]]] = field(default_factory=set)
    _failure: BaseException | None = None

    async def play(self, times_s: Iterator[float], stopping: asyncio.Event) -> None:
        """Send at each of the times, counted from now, until they end or the stop; then wait for the answers.

        Open loop: whoever comes while IN_FLIGHT_MAX wait is turned away and counted, never queued. Raises
        what made a request impossible to record or to understand, such as a full disk.
        """
        start = time.monotonic()
        for at_s in times_s:
            wait_s = start + at_s - time.monotonic()
            if wait_s > 0 and await _stopped(stopping, wait_s):
                break
            if stopping.is_set() or self._failure:
                break
            self._start(self.crowd.next())
        while self._in_flight:
            await asyncio.wait(self._in_flight)
        if self._failure:
            raise self._failure

    def _start(self, plan: Plan) -> None:
        if len(self._in_flight) >= IN_FLIGHT_MAX:
            self.progress.turned_away += 1
            if plan.known:
                self.crowd.free(plan.known)
            return
        task = asyncio.ensure_future(self.carry_out(plan))
        self._in_flight.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[tuple[Answer, float]]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled():
            self._failure = self._failure or task.exception()

    async def carry_out(self, plan: Plan) -> tuple[Answer, float]:
        """Note the intent, send it, note the answer; returns that and the monotonic second it came."""
        intent = self._intent(plan)
        self.progress.sent += 1
        await self.ledger.put(intent)
        began_s = time.monotonic()
        answer = await self.sender_of(plan.kind).send(intent, request(intent, self.run))
        told_s = time.monotonic()
        self.progress.answered.add(told_s - began_s)
        self._follow(intent, answer, plan.known)
        await self.ledger.put(answer)
        return answer, told_s

    def _intent(self, plan: Plan) -> Intent:
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

    def _follow(self, intent: Intent, answer: Answer, before: Known | None) -> None:
        self.progress.outcomes[intent.kind, answer.outcome] += 1
        self.progress.retried += answer.attempts > 1
        after = known_after(intent, answer, before)
        if after is None:
            return
        self.known[after.participant] = after
        if answer.outcome != "unknown" and intent.kind != "probe":
            self.crowd.free(after)

    def sender_of(self, kind: str) -> Sender:
        """Who does this: booths register, officers change."""
        return self.booth if kind in FORMS else self.officer


async def _stopped(stopping: asyncio.Event, wait_s: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), wait_s)
    except TimeoutError:
        return False
    return True
