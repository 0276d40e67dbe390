"""Load on the registration API: each person is registered with one idempotency key until a final answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aiohttp

REGIONS = (
    "31.71.01.1001",
    "31.72.02.1003",
    "31.73.05.1002",
    "31.74.09.1001",
    "31.75.10.1004",
    "31.01.01.1002",
)
DOORS = 8
ANSWER_S_MAX = 5.0
RETRY_DELAY_S = 0.1


def nik(number: int) -> str:
    """Return the NIK of the n-th synthetic person, unique below 3,360,000; region 31.99 does not exist."""
    serial, rest = number % 10_000, number // 10_000
    day, month = 1 + rest % 28, 1 + rest // 28 % 12
    return f"319901{day:02}{month:02}90{serial:04}"


class Crowd:
    """Registers people in `DOORS` parallel loops, through one or several API processes.

    `accepted` maps each person's number to the participant id in the answer. `taken` holds the numbers whose
    NIK was registered already; such an answer is an error unless `taken_is_fine`. As a context manager it
    registers until the end of the block, and completes the requests already begun.
    """

    def __init__(
        self,
        urls: Sequence[str],
        key: str,
        *,
        per_s: float = 60.0,
        first: int = 1,
        taken_is_fine: bool = False,
    ) -> None:
        self.accepted: dict[int, str] = {}
        self.taken: set[int] = set()
        self._taken_is_fine = taken_is_fine
        self._urls = itertools.cycle(urls)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._numbers = itertools.count(first)
        self._pause_s = DOORS / per_s
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=self._headers)
        self._tasks = [asyncio.create_task(self._door()) for _ in range(DOORS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if kind is not None:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=kind is not None)
        assert self._session is not None
        await self._session.close()

    async def _door(self) -> None:
        while not self._closing.is_set():
            await self._register(next(self._numbers), next(self._urls))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._pause_s)

    async def _register(self, number: int, url: str) -> None:
        """Register one person with one idempotency key; after a time-out, retry at the next API process."""
        body = {
            "name": "Peserta Contoh",
            "nik": nik(number),
            "region": REGIONS[number % len(REGIONS)],
            "consent": "2026-01",
        }
        headers = {"Idempotency-Key": f"crowd-{number}"}
        while True:
            try:
                if await self._post(number, url, body, headers):
                    return
            except (aiohttp.ClientError, TimeoutError):
                url = next(self._urls)
            await asyncio.sleep(RETRY_DELAY_S)

    async def _post(self, number: int, url: str, body: dict[str, str], headers: dict[str, str]) -> bool:
        """Send one request; True if its answer is final."""
        assert self._session is not None
        async with self._session.post(f"{url}/v1/participants", json=body, headers=headers) as answer:
            if answer.status == 201:
                self.accepted[number] = (await answer.json())["participant_id"]
                return True
            if answer.status == 409 and self._taken_is_fine:
                self.taken.add(number)
                return True
            assert answer.status in (500, 502, 503), f"{answer.status}: {await answer.text()}"
            return False
