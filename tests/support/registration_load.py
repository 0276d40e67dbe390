"""Registers synthetic people over HTTP with idempotency keys, and retries until each response is final."""

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
CLIENTS = 8
RESPONSE_S_MAX = 5.0
RETRY_DELAY_S = 0.1


def nik(number: int) -> str:
    """Return the NIK of a synthetic person; it is unique for numbers below 3,360,000.

    Its region is 31.99, which does not exist.
    """
    serial, rest = number % 10_000, number // 10_000
    day, month = 1 + rest % 28, 1 + rest // 28 % 12
    return f"319901{day:02}{month:02}90{serial:04}"


class RegistrationClients:
    """Several clients that register people through one or several API processes while a block runs.

    `accepted` maps each person's number to the participant id in the response. `already_registered` has the
    numbers of people whom the API refused because their NIK was registered before. Such a refusal fails the
    test unless `duplicates_allowed` is set. `repeated` counts the requests that got no final response. At the
    end of the block each client completes its registration.
    """

    def __init__(
        self,
        urls: Sequence[str],
        key: str,
        *,
        per_s: float = 60.0,
        first: int = 1,
        duplicates_allowed: bool = False,
        response_s_max: float = RESPONSE_S_MAX,
    ) -> None:
        self.accepted: dict[int, str] = {}
        self.already_registered: set[int] = set()
        self.repeated = 0
        self._duplicates_allowed = duplicates_allowed
        self._urls = itertools.cycle(urls)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._numbers = itertools.count(first)
        self._pause_s = CLIENTS / per_s
        self._response_s_max = response_s_max
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=self._response_s_max)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=self._headers)
        self._tasks = [asyncio.create_task(self._register_people()) for _ in range(CLIENTS)]
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

    async def _register_people(self) -> None:
        while not self._closing.is_set():
            await self._register(next(self._numbers), next(self._urls))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._pause_s)

    async def _register(self, number: int, url: str) -> None:
        """Send one person's registration, with one idempotency key, until a response is final.

        After a connection error or a timeout, the next API process gets the request.
        """
        body = {
            "name": "Peserta Contoh",
            "nik": nik(number),
            "region": REGIONS[number % len(REGIONS)],
            "consent": "2026-01",
        }
        headers = {"Idempotency-Key": f"person-{number}"}
        while True:
            try:
                if await self._post(number, url, body, headers):
                    return
            except (aiohttp.ClientError, TimeoutError):
                url = next(self._urls)
            self.repeated += 1
            await asyncio.sleep(RETRY_DELAY_S)

    async def _post(self, number: int, url: str, body: dict[str, str], headers: dict[str, str]) -> bool:
        """Send one request and return whether its response is final."""
        assert self._session is not None
        async with self._session.post(f"{url}/v1/participants", json=body, headers=headers) as response:
            if response.status == 201:
                self.accepted[number] = (await response.json())["participant_id"]
                return True
            if response.status == 409 and self._duplicates_allowed:
                self.already_registered.add(number)
                return True
            assert response.status in (500, 502, 503), f"{response.status}: {await response.text()}"
            return False
