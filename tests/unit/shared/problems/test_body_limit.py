from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from problems.body_limit import BodyLimit
from problems.fastapi_handlers import install


class Note(BaseModel):
    text: str


def application() -> FastAPI:
    app = FastAPI()
    install(app)

    @app.post("/notes")
    async def add(note: Note) -> str:
        return note.text

    app.add_middleware(BodyLimit, bytes_max=100)
    return app


async def in_chunks(size: int) -> AsyncIterator[bytes]:
    yield b'{"text": "'
    for _ in range(size // 10):
        yield b"x" * 10
    yield b'"}'


async def test_a_long_body_without_an_announced_length_is_too_large_for_a_model_too() -> None:
    transport = httpx.ASGITransport(application())
    json = {"Content-Type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://app", headers=json) as client:
        short = await client.post("/notes", content=in_chunks(50))
        long = await client.post("/notes", content=in_chunks(500))

    assert short.json() == "x" * 50
    assert (long.status_code, long.headers["connection"]) == (413, "close")
    assert long.json()["type"].endswith("/too-large")
