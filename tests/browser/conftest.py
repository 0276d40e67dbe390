"""Fixtures: a board with data, and Debian's Chromium, in which the tests open the board's page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.board.chromium import CHROMIUM, FLAGS
from tests.support.board.input_topic_writer import TopicWriter, minutes_ago, topic_writer
from tests.support.board.processes import BoardProcess
from tests.support.deadlines import until
from tests.support.topic_prefixes import Topics

CITIES = {
    "31.01.01.1001": 744,
    "31.71.01.1001": 28_099,
    "31.72.03.1001": 47_537,
    "31.73.01.1001": 65_013,
    "31.74.01.1001": 59_320,
    "31.75.01.1001": 81_099,
}

STOCKED = "31.75.01.1001"
"""The page shows the stock of the province only, so that of the regions does not matter."""


@pytest.fixture
async def source(topics: Topics) -> AsyncIterator[TopicWriter]:
    """A writer that has published a cut of 281,812 participants, a milestone, a rule and growth.

    280,000 of them are stock, 1,377 registered before today. In the last 30 minutes the growth was steady.
    """
    async with topic_writer(topics) as writer:
        for region, count in CITIES.items():
            writer.register(region, count)
        writer.mark_as_stock(STOCKED, 280_000)
        await writer.full()
        now = minutes_ago(0)
        for minutes in range(30):
            await writer.minute(now - timedelta(minutes=minutes), {"31": 100})
        await writer.day({"31": 1_377})
        await writer.rules(regions=["31"], every=2_500)
        await writer.milestone("31", 200_000)
        yield writer


@pytest.fixture
async def board(topics: Topics, source: TopicWriter, tmp_path: Path) -> AsyncIterator[BoardProcess]:
    """A board that has read all that `source` has published."""
    process = BoardProcess(tmp_path, topics.environment())
    try:
        await process.start()
        await until(partial(has_read_every_topic, process), name="the board has read every topic")
        yield process
    finally:
        await process.close()


async def has_read_every_topic(board: BoardProcess) -> bool:
    """Whether the board has the cut, the day, the minutes, the rules and the milestone: each has a reader."""
    assert await board.shows(281_812), "no cut"
    growth = (await board.http.get("/v1/pace")).json()
    assert growth["today"] is not None, "no start of the day"
    assert sum(count == 100 for _, count in growth["minutes"]) >= 29, "not every minute"
    assert growth["next"] == 282_500, "no rules"
    assert (await board.http.get("/v1/milestones")).json()["milestones"], "no milestone"
    return True


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()
