"""Sends a request, and repeats it with its idempotency key after a time-out, lost connection, 429 or 5xx."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import msgspec

from lifecycle.backoff import Backoff
from simulator.load.http_requests import Request
from simulator.load.ledger import Answer, Intent, Outcome

TIMEOUT_S: Final = 3.0
RETRY_DELAY_S_MIN: Final = 0.5
RETRY_DELAY_S_MAX: Final = 5.0


class Registered(msgspec.Struct):
    """The response body of an accepted POST; other fields are ignored."""

    participant_id: str
    revision: int


_registered = msgspec.json.Decoder(Registered)


@dataclass(slots=True)
class RequestSender:
    """Sends POST requests to the register at `url` with the access key `key`."""

    session: aiohttp.ClientSession
    url: str
    key: str
    patience_s: float = 20.0
    timeout_s: float = TIMEOUT_S
    rng: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def send(self, intent: Intent, request: Request) -> Answer:
        """Send the request until a response is conclusive.

        If none is conclusive within `patience_s`, the outcome is `unknown`.
        """
        deadline = time.monotonic() + self.patience_s
        backoff = Backoff(RETRY_DELAY_S_MIN, RETRY_DELAY_S_MAX)
        attempts = 0
        while True:
            attempts += 1
            answer, wait_s = await self._attempt(intent, request, attempts)
            if answer.outcome != "unknown":
                return answer
            delay_s = wait_s or next(backoff) * (0.5 + self.rng.random())
            if time.monotonic() + delay_s > deadline:
                return answer
            await self.sleep(delay_s)

    async def _attempt(self, intent: Intent, request: Request, attempts: int) -> tuple[Answer, float | None]:
        try:
            async with self.session.post(
                self.url + request.path,
                data=request.body,
                headers=request.headers | {"Authorization": f"Bearer {self.key}"},
                # The time-out covers the register's silence, not the wait for a free connection of this
                # client.
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self.timeout_s, sock_read=self.timeout_s
                ),
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return Answer(intent.number, "unknown", 0, attempts), None
        outcome = _outcome(response.status)
        answer = Answer(intent.number, outcome, response.status, attempts)
        if outcome == "accepted":
            registered = _registered.decode(body)
            replayed = response.headers.get("Idempotent-Replayed") == "true"
            return Answer(
                intent.number,
                outcome,
                response.status,
                attempts,
                registered.participant_id,
                registered.revision,
                replayed,
            ), None
        return answer, _retry_after_s(response.headers.get("Retry-After"))


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return "accepted"
    return "unknown" if status >= 500 or status in (408, 425, 429) else "refused"


def _retry_after_s(value: str | None) -> float | None:
    return min(float(value), RETRY_DELAY_S_MAX) if value and value.isdigit() else None
