"""Builds the HTML pages of the mailbox and the webhook receiver, and serves their web applications."""

from __future__ import annotations

import asyncio
import html
import signal
from typing import Final

from aiohttp import web

STYLE: Final = (
    "body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}"
)


def page(title: str, entries: list[str]) -> web.Response:
    """Return a page with the given entries, which must be HTML."""
    body = "<hr>".join(entries) or "<p>Nothing yet.</p>"
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>{body}</html>"
    )
    return web.Response(text=text, content_type="text/html")


async def run_until_stopped(app: web.Application, port: int, host: str = "127.0.0.1") -> None:
    """Serve a web application until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await stop.wait()
    finally:
        await runner.cleanup()
