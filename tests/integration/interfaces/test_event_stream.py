"""The board's stream sends events whose data have the shapes that the OpenAPI document names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import httpx
import jsonschema
import pytest
from pydantic import BaseModel

from board.web.response_models import ChartView, CountsView, HeadView, MilestonesView, MilestoneView
from tests.support.board.input_topic_writer import TopicWriter
from tests.support.samples.board_fixture import Event, parse
from tests.support.stack import Stack

pytestmark = pytest.mark.integration

SHAPES: Final[dict[str, type[BaseModel]]] = {
    "snapshot": CountsView,
    "delta": CountsView,
    "state": HeadView,
    "pace": ChartView,
    "milestone": MilestoneView,
    "milestones": MilestonesView,
}


async def test_each_event_of_the_stream_has_its_shape(filled: Stack, source: TopicWriter) -> None:
    await filled.start("board")
    received: dict[str, Event] = {}

    async with (
        httpx.AsyncClient(base_url=filled.url("board"), timeout=30) as http,
        http.stream("GET", "/v1/stream", headers={"Accept": "text/event-stream"}) as stream,
    ):
        events = parsed(stream)
        while "snapshot" not in received:
            received |= {event.name: event for event in await anext(events)}
        source.register("31.71.01.1001")
        await source.change()
        await source.milestone("31", 250_000, 2)
        while set(received) != set(SHAPES):
            received |= {event.name: event for event in await anext(events) if event.name != "ping"}

    assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    for name, event in received.items():
        jsonschema.validate(event.data, SHAPES[name].model_json_schema(mode="serialization"))


async def parsed(stream: httpx.Response) -> AsyncIterator[list[Event]]:
    """Yield the complete events of each part of the stream."""
    incomplete = b""
    async for part in stream.aiter_raw():
        complete, _, incomplete = (incomplete + part).rpartition(b"\n\n")
        yield parse(complete)
