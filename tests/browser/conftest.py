"""A board with a programme behind it, and Debian's Chromium before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.board.processes import BoardProcess
from tests.support.board.topic_writer import Programme, minutes_ago, programme
from tests.support.deadlines import until
from tests.support.topics import Topics

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CITIES = {
    "31.01.01.1001": 744,
    "31.71.01.1001": 28_099,
    "31.72.03.1001": 47_537,
    "31.73.01.1001": 65_013,
    "31.74.01.1001": 59_320,
    "31.75.01.1001": 81_099,
}


@pytest.fixture
async def source(topics: Topics) -> AsyncIterator[Programme]:
    """281,812 participants, a pace and a milestone."""
    async with programme(topics) as writing:
        for region, count in CITIES.items():
            writing.register(region, count)
        await writing.full()
        for minutes in range(30):
            await writing.minute(minutes_ago(minutes), {"31": 10 + minutes})
        await writing.milestone("31", 200_000)
        yield writing


@pytest.fixture
async def board(topics: Topics, source: Programme, tmp_path: Path) -> AsyncIterator[BoardProcess]:
    """A board that shows them."""
    process = BoardProcess(tmp_path, topics.environment())
    try:
        await process.start()
        await until(lambda: process.shows(281_812), name="the board shows 281,812")
        yield process
    finally:
        await process.close()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()
