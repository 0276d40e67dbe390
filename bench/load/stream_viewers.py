"""Opens many event streams in one process and records when each viewer receives each cut.

Run as `python -m bench.load.stream_viewers PORT VIEWERS FILE`. It prints a line when all viewers have their
first event. Then it reads the number of the last cut from standard input. When all viewers have received
that cut, the process writes the times to FILE, as pairs of doubles (cut, monotonic seconds), and prints as
JSON the number of viewers and the number of viewers that have the last cut.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time
from array import array
from pathlib import Path
from typing import Final

CONNECTIONS_AT_ONCE: Final = 200
READY_S_MAX: Final = 180.0
LAST_S_MAX: Final = 15.0
REQUEST: Final = b"GET /v1/stream?down_to=city HTTP/1.1\r\nHost: board\r\n\r\n"
ID: Final = b"\nid: 1."


class StreamViewers:
    """The viewers' sockets by file descriptor, the newest cut of each viewer, and the times of all cuts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self.newest: dict[int, int] = {}
        self.cut_times = array("d")

    def open_streams(self, count: int) -> None:
        """Open `count` streams and wait until each has its first event. Raises TimeoutError."""
        deadline = time.monotonic() + READY_S_MAX
        while len(self.newest) < count or not all(self.newest.values()):
            for _ in range(min(CONNECTIONS_AT_ONCE, count - len(self.newest))):
                self._open()
            self.read(0.05)
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{len(self.newest)} of {count} viewers had an event within {READY_S_MAX:.0f} s"
                )

    def _open(self) -> None:
        viewer = socket.create_connection(("127.0.0.1", self._port), 20)
        viewer.sendall(REQUEST)
        viewer.setblocking(False)
        self._sockets[viewer.fileno()] = viewer
        self.newest[viewer.fileno()] = 0
        self._poll.register(viewer, select.EPOLLIN)

    def read(self, wait_s: float) -> None:
        """Read the events that have arrived; if there are none, wait up to `wait_s` for one."""
        for number, _ in self._poll.poll(wait_s):
            data = self._sockets[number].recv(1 << 16)
            at_s = time.monotonic()
            position = data.rfind(ID)
            if position >= 0:
                cut = int(data[position + len(ID) : data.index(b"\n", position + 1)])
                if cut > self.newest[number]:
                    self.newest[number] = cut
                    self.cut_times.extend((float(cut), at_s))
            elif not data:
                raise ConnectionError("the server closed a stream")


def main(port: int, viewers: int, file: Path) -> None:
    """Open and read the streams until all viewers have the cut whose number standard input gives."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = StreamViewers(port)
    clients.open_streams(viewers)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stdin = select.poll()
    stdin.register(sys.stdin, select.POLLIN | select.POLLHUP)
    while not stdin.poll(0):
        clients.read(0.05)
    last = int(sys.stdin.readline())
    deadline = time.monotonic() + LAST_S_MAX
    while min(clients.newest.values()) < last and time.monotonic() < deadline:
        clients.read(0.05)
    file.write_bytes(clients.cut_times.tobytes())
    at_last = sum(cut == last for cut in clients.newest.values())
    sys.stdout.write(json.dumps({"viewers": len(clients.newest), "at_last": at_last}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
