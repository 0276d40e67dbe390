"""Tests that HEAD reaches the application as GET, without the means to take its connection over."""

from __future__ import annotations

import pytest

from http_semantics.head_method import Message, Receive, Send, with_head


@pytest.mark.parametrize(
    ("scope", "received"),
    [
        pytest.param(
            {"type": "http", "method": "HEAD", "path": "/x", "extensions": {"handover": 1}},
            {"type": "http", "method": "GET", "path": "/x", "extensions": {}},
            id="HEAD",
        ),
        pytest.param({"type": "http", "method": "POST"}, {"type": "http", "method": "POST"}, id="POST"),
        pytest.param({"type": "lifespan"}, {"type": "lifespan"}, id="lifespan"),
    ],
)
async def test_only_head_becomes_get(scope: Message, received: Message) -> None:
    scopes = []
    before = dict(scope)

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    await with_head(app)(scope, receive, send)

    assert scopes == [received]
    assert scope == before, "the server decides by its own scope whether to send a body"
