"""A TCP proxy between a browser and the board, which can go silent or hold streams back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.board.processes import BoardProcess

READ_BYTES = 65536
STREAM = "/v1/stream"


class BadNetwork:
    """Forwards connections to the board; `requests` has the path and time (s) of each request, in order."""

    def __init__(self, board_port: int) -> None:
        self._board_port = board_port
        self._paths: dict[asyncio.Task[None], str] = {}
        """The path of the last request on each open connection."""
        self._silent: set[asyncio.Task[None]] = set()
        self.port = 0
        self.requests: list[tuple[str, float]] = []
        self.holds_streams_back = False
        """If True, a new stream gets no response, but its connection stays open."""

    @property
    def url(self) -> str:
        """The address of the board's page behind this network."""
        return f"http://127.0.0.1:{self.port}"

    def silence_streams(self) -> None:
        """Forward no more bytes on the connections of streams that are open now, and leave them open."""
        self._silent |= {task for task, path in self._paths.items() if path.startswith(STREAM)}

    def last_request_s(self, path: str) -> float:
        """Return the time of the last request whose path begins with `path`; 0 if there was none."""
        return max((at_s for requested, at_s in self.requests if requested.startswith(path)), default=0.0)

    def close(self) -> None:
        """Close all connections."""
        for task in self._paths:
            task.cancel()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until either side closes it."""
        task = asyncio.current_task()
        assert task
        self._paths[task] = ""
        try:
            with suppress(OSError):
                await self._exchange(task, reader, writer)
        finally:
            del self._paths[task]
            writer.close()

    async def _exchange(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        of_board, to_board = await asyncio.open_connection("127.0.0.1", self._board_port)

        async def requests() -> None:
            while data := await reader.read(READ_BYTES):
                self._paths[task] = data.split(b" ", 2)[1].decode()
                self.requests.append((self._paths[task], asyncio.get_running_loop().time()))
                if task not in self._silent:
                    to_board.write(data)

        async def responses() -> None:
            while data := await of_board.read(READ_BYTES):
                if self.holds_streams_back and self._paths[task].startswith(STREAM):
                    self._silent.add(task)
                if task not in self._silent:
                    writer.write(data)

        directions = [asyncio.ensure_future(requests()), asyncio.ensure_future(responses())]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            to_board.close()


@asynccontextmanager
async def bad_network(board: BoardProcess) -> AsyncIterator[BadNetwork]:
    """Yield a proxy in front of the board."""
    network = BadNetwork(board.port)
    server = await asyncio.start_server(network.forward, "127.0.0.1", 0)
    network.port = server.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        server.close()
        network.close()
