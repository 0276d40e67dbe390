"""Debian's Chromium, and the board's page in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, ViewportSize

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
PHONE = ViewportSize(width=390, height=844)
PROJECTOR = ViewportSize(width=1920, height=1080)


@asynccontextmanager
async def opened(
    chromium: Browser, url: str, viewport: ViewportSize = PROJECTOR, *, script: bool = True
) -> AsyncIterator[Page]:
    """Yield the page at `url`. At the end, fail if the browser's console has an error."""
    context = await chromium.new_context(viewport=viewport, java_script_enabled=script)
    page = await context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(url)
    yield page
    await context.close()
    assert not errors, errors


async def text(page: Page, selector: str) -> str:
    """Return the text of an element, with each run of white space as one space."""
    return " ".join(((await page.locator(selector).text_content()) or "").split())
