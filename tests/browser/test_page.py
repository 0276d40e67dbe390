"""Tests the page in a real browser: it is complete without a script, and live with the script."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, ViewportSize

from localization.formats import number
from tests.support.board.chromium import PHONE, PROJECTOR, opened, text
from tests.support.board.input_topic_writer import TopicWriter, minutes_ago
from tests.support.board.processes import BoardProcess
from tests.support.deadlines import until

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.needs("chromium")]

PUSAT = "31.71.01.1001"


async def test_without_script_every_number_is_there(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    async with source.publishing():
        await until(lambda: _live(board), name="the board is live")
        async with opened(chromium, board.url, script=False) as page:
            assert await text(page, "#total") == "281.812"
            assert await text(page, ".goal") == "140,9 % dari target 200.000 melampaui target dengan 81.812"
            assert await page.locator("#rows tr").count() == 6
            assert await text(page, "#rows tr:nth-child(2) th") == "Jakarta Pusat"
            assert await text(page, "#rows tr:nth-child(2) .count") == "28.099"
            assert await text(page, "#rows tr:nth-child(2) .share") == "140,9 %"
            assert await text(page, "#state-word") == "Langsung"
            assert "WIB" in await text(page, "#as-of")
            assert await text(page, "#coverage") == "100 %"
            assert await text(page, "#drift") == "0"
            assert (await text(page, "#checked")).startswith("diperiksa ")
            assert await text(page, "#today") == "+435"
            assert await text(page, "#stock") == "termasuk data awal 280.000"
            assert await text(page, "#pace") == "100 per menit"
            assert re.fullmatch(r"Laju 15 menit, sampai \d\d\.\d\d WIB", await text(page, "#pace-title"))
            assert await text(page, "#towards") == "Menuju 282.500"
            assert re.fullmatch(r"\d\d\.\d\d–\d\d\.\d\d WIB", await text(page, "#eta"))
            assert "DKI Jakarta mencapai 200.000 peserta terdaftar" in await text(page, "#milestones")


async def _live(board: BoardProcess) -> bool:
    return await board.state() == "live"


async def test_with_script_the_page_follows_each_cut(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    async with source.publishing(), opened(chromium, board.url) as page:
        assert await text(page, "#total") == "281.812"

        source.register(PUSAT, 1_000)
        await page.get_by_text("282.812", exact=True).wait_for()

        assert await text(page, '[data-region="31.71"] .count') == "29.099"
        assert await text(page, ".goal") == "141,4 % dari target 200.000 melampaui target dengan 82.812"
        await source.milestone("31.71", 29_000, 2)
        await page.get_by_text("Jakarta Pusat mencapai 29.000 peserta terdaftar").wait_for()


FIGURES = """() => ["total", "today", "towards"]
  .map((id) => document.getElementById(id).textContent.replace(/\\D/g, ""))
  .map(Number)"""


async def test_count_today_and_next_threshold_change_together(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    async with source.publishing(), opened(chromium, board.url) as page:
        seen = set()
        for _ in range(12):
            source.register(PUSAT, 37)
            total = number(source.counts["all", "31", "registered"], "id")
            await page.get_by_text(total, exact=True).wait_for()
            seen.add(tuple(await page.evaluate(FIGURES)))

        assert len(seen) == 12
        for total, today, towards in seen:
            assert (total - today, towards) == (281_377, (total // 2_500 + 1) * 2_500)


async def test_after_a_night_the_page_promises_nothing(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    for minutes in range(-1, 3):
        await source.minute(minutes_ago(minutes), {"31": 0})
    async with source.publishing(), opened(chromium, f"{board.url}/?lang=en") as page:
        await page.get_by_text("Pace, 1 min until", exact=False).wait_for()

        assert await text(page, "#pace") == "0 a minute"
        assert await text(page, "#eta") == "not known yet"


DIMMED = """() => ["#total", "#pace", "#eta", '[data-region="31.71"] .count']
  .map((selector) => getComputedStyle(document.querySelector(selector)).color)
  .concat(getComputedStyle(document.querySelector("#spark rect")).fill)"""


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("viewport", [PHONE, PROJECTOR], ids=["phone", "projector"])
async def test_stale_counts_are_dimmed_and_dated(
    board: BoardProcess, source: TopicWriter, chromium: Browser, viewport: ViewportSize, script: bool
) -> None:
    async with source.publishing():
        await until(lambda: _live(board), name="the board is live")
        async with opened(chromium, board.url, viewport, script=script) as page:
            await page.get_by_text("Langsung", exact=True).wait_for()
            live = await page.evaluate(DIMMED) if script else None
            assert not await page.locator(".old").is_visible()
    await until(lambda: _stale(board), name="the board is stale")
    async with opened(chromium, board.url, viewport, script=script) as page:
        await page.get_by_text("Basi", exact=True).wait_for()

        assert await page.locator(".old").is_visible()
        assert re.fullmatch(r"Angka lama, per .* WIB \d+ detik yang lalu", await text(page, ".old"))
        assert (await text(page, "#until")).startswith("sampai ")
        if live:
            dimmed = await page.evaluate(DIMMED)
            assert [now for now, then in zip(dimmed, live, strict=True) if now == then] == []
            assert [text for text, contrast in await page.evaluate(CONTRASTS) if contrast < 4.5] == []
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            high = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
            assert wide <= 0
            assert viewport is PHONE or high <= 0


async def _stale(board: BoardProcess) -> bool:
    return await board.state() == "stale"


async def test_without_script_the_page_reloads_itself_and_says_how_old_it_is(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    async with source.publishing():
        await until(lambda: _live(board), name="the board is live")
        async with opened(chromium, board.url, script=False) as page:
            first = await text(page, ".no-script")
            source.register(PUSAT, 188)

            await page.get_by_text("282.000", exact=True).wait_for(timeout=60_000)

            assert re.fullmatch(
                r"Dimuat .* WIB, umur angka \d detik. Halaman memuat ulang tiap 10 detik.", first
            )
            assert await text(page, ".no-script") != first
        async with opened(chromium, board.url) as page:
            assert await page.locator(".no-script").count() == 0


async def test_a_count_that_nobody_has_audited_for_a_minute_is_not_called_exact(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    async with source.publishing(), opened(chromium, board.url) as page:
        await page.locator("#checked", has_text=re.compile(r"^\s*diperiksa ")).wait_for()
        assert await text(page, "#drift") == "0"

        source.audit_age_s = 61.0
        await page.get_by_text("tidak diperiksa sejak").wait_for()

        assert await text(page, "#drift") == "–"
        assert "tidak diperiksa sejak" in (await board.http.get("/")).text
        assert (await board.counts())["audit"]["drift"] is None


async def test_the_page_turns_stale_when_no_new_cuts_are_published(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    async with opened(chromium, f"{board.url}/?lang=en") as page:
        async with source.publishing():
            await page.get_by_text("Live", exact=True).wait_for()

        await page.get_by_text("Stale", exact=True).wait_for()


async def test_the_page_turns_stale_while_the_board_is_down_and_live_when_it_is_back(
    board: BoardProcess, source: TopicWriter, chromium: Browser
) -> None:
    context = await chromium.new_context()
    page = await context.new_page()
    async with source.publishing():
        await page.goto(board.url)
        await page.get_by_text("Langsung", exact=True).wait_for()

        await board.stop()
        await page.get_by_text("Basi", exact=True).wait_for()
        source.register(PUSAT, 188)
        await board.start()

        await page.get_by_text("282.000", exact=True).wait_for(timeout=60_000)
        await page.get_by_text("Langsung", exact=True).wait_for()
    await context.close()


async def test_the_page_is_in_english_on_request(board: BoardProcess, chromium: Browser) -> None:
    async with opened(chromium, f"{board.url}/?lang=en") as page:
        assert await page.locator("html").get_attribute("lang") == "en"
        assert await text(page, "#total") == "281,812"
        assert await text(page, "#rows tr:nth-child(2) th") == "Central Jakarta"


@pytest.mark.parametrize("viewport", [PHONE, PROJECTOR], ids=["phone", "projector"])
async def test_the_page_fits_its_screen(
    board: BoardProcess, chromium: Browser, viewport: ViewportSize
) -> None:
    async with opened(chromium, board.url, viewport) as page:
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        high = await page.evaluate("document.documentElement.scrollHeight - innerHeight")

        assert wide <= 0
        assert viewport is PHONE or high <= 0


CONTRASTS = """() => {
  const lightness = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      if (style.backgroundImage.includes("gradient")) return style.backgroundImage.match(/rgb\\([^)]*\\)/)[0];
      if (!style.backgroundColor.startsWith("rgba(0, 0, 0, 0")) return style.backgroundColor;
    }
  };
  const leaves = [...document.querySelectorAll("body *")]
    .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .filter((node) => node.checkVisibility() && !node.closest(".unseen, .skip, svg"));
  return leaves.map((node) => {
    const [a, b] = [lightness(getComputedStyle(node).color), lightness(behind(node))].sort((x, y) => y - x);
    return [node.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)];
  });
}"""


async def test_every_text_has_enough_contrast(board: BoardProcess, chromium: Browser) -> None:
    async with opened(chromium, board.url, script=True) as page:
        contrasts = await page.evaluate(CONTRASTS)

        assert len(contrasts) > 40
        assert [text for text, contrast in contrasts if contrast < 4.5] == []


async def test_the_page_works_with_a_screen_reader_and_the_keyboard(
    board: BoardProcess, chromium: Browser
) -> None:
    async with opened(chromium, board.url) as page:
        for role in ("banner", "main", "contentinfo", "table", "navigation"):
            assert await page.get_by_role(role).count() == 1, role
        assert await page.get_by_role("heading", level=1).count() == 1
        assert await page.get_by_role("columnheader").count() == 4
        assert await page.get_by_role("rowheader").count() == 6
        assert await page.locator("#announcement").get_attribute("aria-live") == "polite"
        assert await page.locator("#total").get_attribute("aria-live") is None
        ids = await page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
        assert len(ids) == len(set(ids))
        assert await page.locator("img:not([alt])").count() == 0
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"


async def test_the_content_security_policy_allows_only_the_pages_own_files(
    board: BoardProcess, chromium: Browser
) -> None:
    response = await board.http.get("/")
    policy = response.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in response.text
    async with opened(chromium, board.url) as page:
        assert await page.locator("script:not([src])").count() == 0
