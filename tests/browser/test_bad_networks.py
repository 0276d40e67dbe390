"""Tests the page on bad networks: silent streams, proxies that hold streams back, and many tabs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page

from tests.support.board.bad_network import STREAM, BadNetwork, bad_network
from tests.support.board.browser_tabs import browser_tabs
from tests.support.board.chromium import CHROMIUM, FLAGS, opened, text
from tests.support.board.input_topic_writer import TopicWriter, topic_writer
from tests.support.board.processes import BoardProcess
from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.topic_prefixes import Topics

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.needs("chromium")]

PUSAT = "31.71.01.1001"
SHOWN_MS_MAX = 60_000
POLLS_END_S_MAX = 120.0  # a page that polls waits up to 45 s before it tries another stream
RECORD_STATES = """() => {
  window.states = [];
  const word = document.getElementById("state-word");
  new MutationObserver(() => states.push(word.textContent)).observe(word, { childList: true });
}"""
WAKE_UPS = {
    "visibilitychange": "document.dispatchEvent(new Event('visibilitychange'))",
    "online": "dispatchEvent(new Event('online'))",
    "pageshow": "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
}
TABS = 8
BURSTS = 20
BURST = 46


@pytest.fixture
async def network(board: BoardProcess) -> AsyncIterator[BadNetwork]:
    """A network between the browser and the board."""
    async with bad_network(board) as network:
        yield network


async def shows(page: Page, text: str) -> None:
    await page.get_by_text(text, exact=True).first.wait_for(timeout=SHOWN_MS_MAX)


async def is_live_over_a_stream(page: Page, network: BadNetwork) -> None:
    """Wait until the page has a stream that a wake-up would replace. A live page may not have one yet."""
    now_s = asyncio.get_running_loop().time
    await shows(page, "Langsung")
    await until(lambda: network.last_request_s(STREAM), name="the page has opened a stream")
    await until(lambda: now_s() - network.last_request_s(STREAM) > 1, name="the stream is not new")


async def test_a_silent_stream_is_replaced(
    source: TopicWriter, network: BadNetwork, chromium: Browser
) -> None:
    async with source.publishing(), opened(chromium, network.url) as page:
        await is_live_over_a_stream(page, network)
        await page.evaluate(RECORD_STATES)
        network.silence_streams()
        source.register(PUSAT, 188)

        await shows(page, "282.000")
        await shows(page, "Langsung")

        first, *_, last = await page.evaluate("states")
        assert (first, last) == ("Basi", "Langsung")


@pytest.mark.parametrize("event", WAKE_UPS)
async def test_a_wake_up_replaces_a_silent_stream_at_once(
    source: TopicWriter, network: BadNetwork, chromium: Browser, event: str
) -> None:
    async with source.publishing(), opened(chromium, network.url) as page:
        await is_live_over_a_stream(page, network)
        await page.evaluate(RECORD_STATES)
        network.silence_streams()
        source.register(PUSAT, 188)

        await page.evaluate(WAKE_UPS[event])

        await shows(page, "282.000")
        assert "Basi" not in await page.evaluate("states"), "the page did not replace the stream at once"


async def test_behind_a_proxy_that_holds_streams_back_the_page_polls_until_a_stream_works(
    board: BoardProcess, source: TopicWriter, network: BadNetwork, chromium: Browser
) -> None:
    network.holds_streams_back = True
    now_s = asyncio.get_running_loop().time
    async with source.publishing(), opened(chromium, network.url) as page:
        await shows(page, "Basi")
        source.register(PUSAT, 188)
        await shows(page, "282.000")
        await shows(page, "Langsung")
        await source.milestone("31", 282_000, 2)
        await page.get_by_text("DKI Jakarta mencapai 282.000 peserta terdaftar").wait_for(
            timeout=SHOWN_MS_MAX
        )

        network.holds_streams_back = False
        await until(
            lambda: now_s() - network.last_request_s("/v1/counts") > 9, POLLS_END_S_MAX, name="the polls end"
        )
        last_poll_s = network.last_request_s("/v1/counts")
        source.register(PUSAT, 1)
        await shows(page, "282.001")

        assert 0 < network.last_request_s("/v1/counts") == last_poll_s, "the page got the count by a poll"
        assert await page.locator("#state-word").text_content() == "Langsung"


async def test_many_tabs_of_a_browser_all_load_and_each_is_live_when_it_is_shown(
    board: BoardProcess, source: TopicWriter, tmp_path: Path
) -> None:
    async with source.publishing(), browser_tabs(CHROMIUM, FLAGS, tmp_path / "profile") as tabs:

        async def shows_live(tab: str, total: str, today: str) -> bool:
            shown = [await tabs.text(tab, f"#{name}") for name in ("state-word", "total", "today")]
            return shown == ["Langsung", total, today]

        today = await text_of_today(board)
        opened_tabs = []
        for _ in range(TABS):
            tab = await tabs.open(board.url)
            await until(partial(shows_live, tab, "281.812", today), name="the new tab is live")
            opened_tabs.append(tab)

        source.register(PUSAT, 188)
        today = await until(partial(changed_today, board, today), name="the board has the registrations")

        for tab in opened_tabs:
            await tabs.show(tab)
            await until(partial(shows_live, tab, "282.000", today), name="the shown tab is live")


async def text_of_today(board: BoardProcess) -> str:
    today: int = (await board.http.get("/v1/pace")).json()["today"]
    return f"+{today:,}".replace(",", ".")


async def changed_today(board: BoardProcess, before: str) -> str:
    today = await text_of_today(board)
    return today if today != before else ""


async def test_a_page_with_a_higher_cut_than_recreated_topics_changes_to_their_counts(
    board: BoardProcess, source: TopicWriter, chromium: Browser, kafka: Broker
) -> None:
    new = Topics(kafka.bootstrap_servers, f"t{uuid4().hex[:8]}-")
    await new.create()
    context = await chromium.new_context()
    page = await context.new_page()
    async with source.publishing():
        await page.goto(board.url)
        await shows(page, "Langsung")
    await board.stop()
    (board.folder / "board.json").unlink()
    board.kafka = new.environment()
    async with topic_writer(new) as recounted:
        recounted.term = source.term - 1
        recounted.register(PUSAT, 1_234)
        await recounted.full()
        await recounted.milestone("31", 1_000)
        async with recounted.publishing():
            await board.start()

            await shows(page, "1.234")

            await shows(page, "Langsung")
            assert await text(page, '[data-region="31.72"] .count') == "0"
            await page.get_by_text("DKI Jakarta mencapai 1.000").wait_for()  # from another topic
            assert "200.000" not in await text(page, "#milestones")
            recounted.register(PUSAT, 1)
            await shows(page, "1.235")
    await context.close()


async def test_growth_and_milestones_come_over_the_stream_alone(
    board: BoardProcess, source: TopicWriter, network: BadNetwork, chromium: Browser
) -> None:
    async with source.publishing(), opened(chromium, network.url) as page:
        await shows(page, "Langsung")
        before = await text_of_today(board)

        await source.day({"31": 1_302})
        await source.milestone("31.71", 28_000, 2)
        await page.get_by_text("Jakarta Pusat mencapai 28.000 peserta terdaftar").wait_for()
        today = await until(partial(changed_today, board, before), name="the board has the day")
        await shows(page, today)

        assert [path for path, _ in network.requests if path.startswith("/v1/")] == [
            path for path, _ in network.requests if path.startswith("/v1/stream")
        ]


@pytest.mark.long
async def test_a_burst_of_milestones_at_the_opening_of_a_page_ends_with_the_newest_five(
    source: TopicWriter, board: BoardProcess, chromium: Browser
) -> None:
    async with source.publishing():
        for burst in range(1, BURSTS + 1):
            async with opened(chromium, board.url) as page:
                newest = await publish_burst(source, burst)

                await until(partial(lists, page, newest), name=f"burst {burst} is listed")


async def publish_burst(source: TopicWriter, burst: int) -> list[str]:
    """Publish BURST milestones within two seconds; return the newest five thresholds as texts."""
    for number in range(BURST):
        await source.milestone("31", burst * 1_000 + number, burst * BURST + number)
        await asyncio.sleep(2 / BURST)
    return [f"{burst}.{number:03}" for number in range(BURST - 1, BURST - 6, -1)]


async def lists(page: Page, thresholds: list[str]) -> bool:
    """Whether the page's list has exactly the milestones with these thresholds, in this order."""
    lines = await page.locator("#milestones li span").all_text_contents()
    return [line.split()[3] for line in lines] == thresholds
