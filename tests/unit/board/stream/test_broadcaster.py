"""Lines over transports that take what the test lets them take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from board.stream.broadcaster import FULL_S_MAX
from board.stream.connection_handover import LAST_CHUNK, StreamConnection
from tests.support.deadlines import until
from tests.support.samples.boards import Event, Show, parse


class Pipe(asyncio.Transport):
    """Holds what is written until `read`; `narrow` makes it hold back."""

    def __init__(self, *, narrow: bool = False) -> None:
        super().__init__()
        self.narrow = narrow
        self.held: list[bytes] = []
        self.closed = False
        self._protocol: Any = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0, "one slot: anything held is too much"

    def write(self, data: Any) -> None:
        assert not (self.narrow and self.held), "written to while it held something"
        self.held.append(data)
        if self.narrow:
            self._protocol.pause_writing()

    def read(self) -> bytes:
        """What came."""
        taken, self.held = b"".join(self.held), []
        if self.narrow:
            self._protocol.resume_writing()
        return taken

    def events(self) -> list[Event]:
        """The events of the one chunk that came."""
        return parse(self.read().partition(b"\r\n")[2].removesuffix(b"\r\n"))

    def close(self) -> None:
        self.closed = True
        self._protocol.connection_lost(None)

    abort = close


@asynccontextmanager
async def delivering(show: Show) -> AsyncIterator[None]:
    task = asyncio.ensure_future(show.board.delivery.run())
    try:
        yield
    finally:
        show.audience.close()
        await asyncio.wait_for(task, 5)


def watch(show: Show, pipe: Pipe) -> None:
    """A viewer whose connection is this pipe."""

    def hand_over(line: StreamConnection) -> None:
        line.take_over(pipe)

    show.board.delivery.begin(show.audience.enter("all", "city", None), hand_over)


async def test_viewers_are_sent_the_same_bytes() -> None:
    show = Show()
    show.full(1, 5)
    pipes = [Pipe(), Pipe()]
    async with delivering(show):
        for pipe in pipes:
            watch(show, pipe)
        show.change(2, 6)
        await until(lambda: all(len(pipe.held) == 2 for pipe in pipes), name="the delta came")

        assert all(one is other for one, other in zip(pipes[0].held, pipes[1].held, strict=True))


async def test_a_viewer_that_has_not_taken_all_gets_nothing_then_the_newest_at_once() -> None:
    show = Show()
    show.full(1, 5)
    slow, quick = Pipe(narrow=True), Pipe()
    async with delivering(show):
        watch(show, slow)
        watch(show, quick)
        for cut in (2, 3, 4):
            show.change(cut, cut + 4)
            await until(lambda: len(quick.held) == cut, name="the quick one has the cut")  # noqa: B023 - awaited here

        slow.read()
        (event,) = slow.events()

    assert (event.name, event.id, event.counts["31"]) == ("delta", "1.4", 8)


async def test_a_viewer_that_takes_nothing_for_long_is_let_go() -> None:
    show = Show()
    show.full(1, 5)
    stuck, quick = Pipe(narrow=True), Pipe()
    async with delivering(show):
        watch(show, stuck)
        watch(show, quick)
        show.clock.now_s += FULL_S_MAX + 1
        show.change(2, 6)
        await until(lambda: stuck.closed, name="it is let go")

        assert not quick.closed


async def test_closing_ends_each_answer() -> None:
    show = Show(viewers_max=1)
    show.full(1, 5)
    pipe = Pipe()
    async with delivering(show):
        watch(show, pipe)
        full = show.audience.full

    assert full
    assert (pipe.held[-1], pipe.closed) == (LAST_CHUNK, True)


async def test_who_leaves_makes_room() -> None:
    show = Show(viewers_max=1)
    show.full(1, 5)
    pipe = Pipe()
    watch(show, pipe)
    full = show.audience.full

    pipe.close()

    assert (full, show.audience.full) == (True, False)
