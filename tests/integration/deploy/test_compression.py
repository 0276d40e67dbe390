"""The proxy compresses the board's documents, and leaves the register's answers and their tags alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import web

from tests.support.deadlines import until
from tests.support.front_door import open_front_door
from tests.support.ports import free_ports

pytestmark = [pytest.mark.integration, pytest.mark.needs("haproxy")]

LONG: Final = '{"rows":[' + ",".join(f'{{"region":"31.71.{n:02}"}}' for n in range(90)) + "]}"
TAGS: Final = {"/v1/counts": 'W/"counts"', "/v1/stream": "", "/v1/participants/1": '"2"'}


async def answer(request: web.Request) -> web.Response:
    """Answer as the services do, with tags and long bodies, but without their work."""
    tag = TAGS.get(request.path, "")
    headers = {"ETag": tag} if tag else {}
    media_type = "text/event-stream" if request.path == "/v1/stream" else "application/json"
    return web.Response(text=LONG, content_type=media_type, headers=headers)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """The proxy's address, in front of one server that stands for all services."""
    (port,) = free_ports(1)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    services = {"board": [port], "registration-api": [port], "notifier": [port]}
    try:
        async with open_front_door(tmp_path, services) as address:
            yield address
    finally:
        await runner.cleanup()


async def test_only_the_boards_documents_are_compressed_and_tags_survive(url: str) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as http:

        async def get(path: str) -> tuple[str | None, str, bool]:
            async with http.get(url + path, headers={"Accept-Encoding": "gzip"}) as response:
                short = len(await response.read()) < len(LONG) / 4
                return response.headers.get("Content-Encoding"), response.headers.get("ETag", ""), short

        async def is_up(path: str) -> bool:
            async with http.get(url + path) as response:
                return response.status == 200

        for path in TAGS:
            await until(partial(is_up, path), 30, name="the proxy has found its services")
        answers = {path: await get(path) for path in TAGS}

    assert answers == {
        "/v1/counts": ("gzip", 'W/"counts"', True),
        "/v1/stream": (None, "", False),
        "/v1/participants/1": (None, '"2"', False),
    }
