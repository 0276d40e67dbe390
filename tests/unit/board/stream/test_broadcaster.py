"""Tests the broadcaster with fake transports; each test decides when a transport blocks or is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from board.stream.broadcaster import BLOCKED_S_MAX
from board.stream.viewer_connection import LAST_CHUNK, StreamConnection
from tests.support.deadlines import until
from tests.support.samples.board_fixture import BoardFixture, Event, parse


class FakeTransport(asyncio.Transport):
    """Keeps the written bytes until `read` is called. If `blocks` is True, unread bytes pause writing."""

    def __init__(self, *, blocks: bool = False) -> None:
        super().__init__()
        self.blocks = blocks
        self.unread: list[bytes] = []
        self.closed = False
        self._protocol: Any = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0, "any unread byte must pause writing"

    def write(self, data: Any) -> None:
        assert not (self.blocks and self.unread), "written to while it had unread bytes"
        self.unread.append(data)
        if self.blocks:
            self._protocol.pause_writing()

    def read(self) -> bytes:
        """Return all bytes that were written since the last call of `read`."""
        data, self.unread = b"".join(self.unread), []
        if self.blocks:
            self._protocol.resume_writing()
        return data

    def events(self) -> list[Event]:
        """Return the events of the only chunk that was written since the last read."""
        return parse(self.read().partition(b"\r\n")[2].removesuffix(b"\r\n"))

    def close(self) -> None:
        self.closed = True
        self._protocol.connection_lost(None)

    abort = close


@asynccontextmanager
async def broadcasting(board: BoardFixture) -> AsyncIterator[None]:
    task = asyncio.ensure_future(board.app_state.broadcaster.run())
    try:
        yield
    finally:
        board.subscriptions.close()
        await asyncio.wait_for(task, 30)


def subscribe(board: BoardFixture, transport: FakeTransport) -> None:
    """Add a subscriber whose connection uses this transport."""

    def hand_over(connection: StreamConnection) -> None:
        connection.take_over(transport)

    board.app_state.broadcaster.add(board.subscriptions.add("all", "city", None), hand_over)


async def test_all_viewers_are_sent_the_same_bytes() -> None:
    board = BoardFixture()
    board.full(1, 5)
    transports = [FakeTransport(), FakeTransport()]
    async with broadcasting(board):
        for transport in transports:
            subscribe(board, transport)
        board.change(2, 6)
        await until(lambda: all(len(sent.unread) == 2 for sent in transports), name="the delta arrived")

        assert all(
            first is second for first, second in zip(*(sent.unread for sent in transports), strict=True)
        )


async def test_a_viewer_with_unread_bytes_is_sent_nothing_and_then_one_delta_to_the_newest_cut() -> None:
    board = BoardFixture()
    board.full(1, 5)
    slow, quick = FakeTransport(blocks=True), FakeTransport()
    async with broadcasting(board):
        subscribe(board, slow)
        subscribe(board, quick)
        for cut in (2, 3, 4):
            board.change(cut, cut + 4)
            await until(lambda: len(quick.unread) == cut, name="the quick viewer has the cut")  # noqa: B023 - awaited here

        slow.read()
        (event,) = slow.events()

    assert (event.name, event.id, event.counts["31"]) == ("delta", "1.4", 8)


async def test_a_viewer_that_reads_nothing_for_too_long_is_disconnected() -> None:
    board = BoardFixture()
    board.full(1, 5)
    stuck, quick = FakeTransport(blocks=True), FakeTransport()
    async with broadcasting(board):
        subscribe(board, stuck)
        subscribe(board, quick)
        board.clock.now_s += BLOCKED_S_MAX + 1
        board.change(2, 6)
        await until(lambda: stuck.closed, name="it is disconnected")

        assert not quick.closed


async def test_closing_ends_every_response_with_its_last_chunk() -> None:
    board = BoardFixture(viewers_max=1)
    board.full(1, 5)
    transport = FakeTransport()
    async with broadcasting(board):
        subscribe(board, transport)
        full = board.subscriptions.full

    assert full
    assert (transport.unread[-1], transport.closed) == (LAST_CHUNK, True)


async def test_a_disconnected_viewer_frees_its_place() -> None:
    board = BoardFixture(viewers_max=1)
    board.full(1, 5)
    transport = FakeTransport()
    subscribe(board, transport)
    full = board.subscriptions.full

    transport.close()

    assert (full, board.subscriptions.full) == (True, False)
