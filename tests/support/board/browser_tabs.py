"""The tabs of one window of Chromium, of which one is visible and the others are hidden.

Playwright makes each of its pages visible. So this module speaks the Chrome DevTools Protocol itself.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

DEVTOOLS = re.compile(rb"ws://\S+")
ANSWER_S_MAX = 60.0


class Tabs:
    """Opens and activates tabs, and evaluates expressions in them. A tab is the id of its target."""

    def __init__(self, devtools: aiohttp.ClientWebSocketResponse) -> None:
        self._devtools = devtools
        self._numbers = itertools.count(1)
        self._sessions: dict[str, str] = {}

    async def open(self, url: str) -> str:
        """Open a tab in the foreground."""
        tab: str = (await self._call("Target.createTarget", url=url))["targetId"]
        attached = await self._call("Target.attachToTarget", targetId=tab, flatten=True)
        self._sessions[tab] = attached["sessionId"]
        return tab

    async def show(self, tab: str) -> None:
        """Bring a tab to the foreground, which hides all others."""
        await self._call("Target.activateTarget", targetId=tab)

    async def text(self, tab: str, selector: str) -> str:
        """Return the text of an element; empty if the page does not have it yet."""
        return await self.evaluate(tab, f"document.querySelector('{selector}')?.textContent ?? ''")

    async def evaluate(self, tab: str, expression: str) -> str:
        """Return the value of an expression in the tab's page."""
        answer = await self._call("Runtime.evaluate", self._sessions[tab], expression=expression)
        return str(answer["result"].get("value", ""))

    async def _call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        request = {"id": number, "method": method, "params": params}
        await self._devtools.send_json(request | ({"sessionId": session} if session else {}))
        while (answer := await self._devtools.receive_json(timeout=ANSWER_S_MAX)).get("id") != number:
            pass
        result: dict[str, Any] = answer["result"]
        return result


@asynccontextmanager
async def browser_tabs(program: str, flags: Sequence[str], profile: Path) -> AsyncIterator[Tabs]:
    """Yield the tabs of a new Chromium without a screen."""
    options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    browser = await asyncio.create_subprocess_exec(
        program, *flags, *options, "about:blank", stderr=asyncio.subprocess.PIPE
    )
    assert browser.stderr
    try:
        while not (
            address := DEVTOOLS.search(await asyncio.wait_for(browser.stderr.readline(), ANSWER_S_MAX))
        ):
            pass
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(address[0].decode(), max_msg_size=0) as devtools,
        ):
            yield Tabs(devtools)
    finally:
        browser.terminate()
        await browser.communicate()
