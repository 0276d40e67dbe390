"""The public form in a real browser: Back never shows the data of the person before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from tests.support.board.chromium import CHROMIUM, FLAGS, PHONE
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration.served_api import (
    HOST,
    ServedApi,
    check_register,
    listening,
    nik,
    serve_api,
)

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.needs("chromium")]

# Records what each page shows when it comes into view, and whether it comes from the back/forward cache.
RECORD_PAGESHOW = """addEventListener("pageshow", (event) => {
  const shown = [...document.querySelectorAll("input")].filter((field) => !field.type.match("hidden|radio"))
    .map((field) => field.type === "checkbox" ? field.checked : field.value);
  const pages = JSON.parse(sessionStorage.pages ?? "[]");
  sessionStorage.pages = JSON.stringify([...pages, [event.persisted, shown]]);
})"""
EMPTY = ["", "", "", "", "", False]


@pytest.fixture
async def register(database: Databases) -> AsyncIterator[ServedApi]:
    async with serve_api(database.registration) as register:
        yield register


@pytest.fixture
async def form_url(register: ServedApi) -> AsyncIterator[str]:
    async with listening(register) as port:
        yield f"http://{HOST}:{port}/daftar"


@pytest.fixture
async def page(form_url: str) -> AsyncIterator[Page]:
    """The form on a phone with the back/forward cache, which Playwright switches off by default."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
        )
        page = await (await browser.new_context(viewport=PHONE)).new_page()
        await page.add_init_script(RECORD_PAGESHOW)
        await page.goto(form_url)
        yield page
        await browser.close()


async def fill(page: Page, number: int, **changed: str) -> None:
    """Fill in the form for a person."""
    values = {"name": f"Peserta {number}", "nik": nik(number), "phone": "0812 3456 789", "region": "Cideng"}
    for field, value in (values | changed).items():
        await page.fill(f"#{field}", value)
    await page.check("#consent")


async def submit(page: Page) -> None:
    async with page.expect_navigation():
        await page.click("button")


async def pages_shown(page: Page) -> Any:
    """Return (from the cache, values of the fields) of each page that came into view."""
    return json.loads(await page.evaluate("sessionStorage.pages"))


async def go_back_to_an_empty_form(page: Page, before: int) -> None:
    """Go back after `before` pages, and wait for an empty form that is not from the cache.

    Fails if a page shows a field meanwhile.
    """
    await page.go_back(wait_until="commit")

    async def a_new_form_is_shown() -> bool:
        try:
            shown = (await pages_shown(page))[before:]
        except PlaywrightError:  # the page is just being replaced
            return False
        assert all(fields == EMPTY for _, fields in shown), shown
        return bool(shown[-1:] == [[False, EMPTY]])

    await until(a_new_form_is_shown)


async def key(page: Page) -> str:
    return await page.input_value("input[name=key]")


async def test_back_after_success_shows_an_empty_form_with_a_new_key(page: Page, register: ServedApi) -> None:
    first_key = await key(page)
    await fill(page, 1)
    await submit(page)
    assert "/daftar/diterima?" in page.url

    await go_back_to_an_empty_form(page, before=2)

    assert (await pages_shown(page))[2:] == [[True, EMPTY], [False, EMPTY]]
    assert await key(page) != first_key
    await fill(page, 2)
    await submit(page)
    assert "/daftar/diterima?" in page.url
    assert await check_register(register.pool) == {"31.71.01.1002": 2}


async def test_back_to_a_refused_form_shows_an_empty_form(page: Page) -> None:
    await fill(page, 1, nik="123")
    await submit(page)
    assert await page.input_value("#name") == "Peserta 1"
    await page.fill("#nik", nik(1))
    await submit(page)
    assert "/daftar/diterima?" in page.url

    for _ in range(2):
        await go_back_to_an_empty_form(page, before=len(await pages_shown(page)))

        assert await page.locator(".error, .notice").count() == 0


async def test_back_to_a_refused_form_that_was_given_up_shows_an_empty_form(page: Page) -> None:
    await fill(page, 1, nik="123")
    await submit(page)
    before = len(await pages_shown(page))
    await page.goto("about:blank")

    await go_back_to_an_empty_form(page, before)

    assert await page.locator(".error, .notice").count() == 0


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_back_without_the_cache_shows_an_empty_form_with_a_new_key(
    form_url: str, chromium: Browser, script: bool
) -> None:
    context = await chromium.new_context(viewport=PHONE, java_script_enabled=script)
    page = await context.new_page()
    await page.goto(form_url)
    first_key = await key(page)
    await fill(page, 1)
    await submit(page)

    await page.go_back()

    for field in ("name", "nik", "phone", "region"):
        assert await page.input_value(f"#{field}") == "", field
    assert not await page.is_checked("#consent")
    assert await key(page) != first_key
    await context.close()


async def test_a_double_click_registers_once(page: Page, register: ServedApi) -> None:
    await fill(page, 1)

    # The second click aborts the navigation of the first, for which Playwright must not wait.
    await page.dblclick("button", no_wait_after=True)
    await page.get_by_text("Pendaftaran diterima").wait_for()

    assert await check_register(register.pool) == {"31.71.01.1002": 1}
