"""A crowd of viewers in one process: opens so many streams, and notes when each is told of each cut.

Run as `python -m bench.load.stream_viewers PORT VIEWERS FILE`. It prints a line when all have their first event. A
line on its input names the last cut: when all viewers have it, the process writes the moments to FILE, as
pairs of doubles (cut, monotonic seconds), and prints its counts.
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

AT_ONCE: Final = 200
READY_S_MAX: Final = 180.0
LAST_S_MAX: Final = 15.0
REQUEST: Final = b"GET /v1/stream?down_to=city HTTP/1.1\r\nHost: board\r\n\r\n"
ID: Final = b"\nid: 1."


class Crowd:
    """Sockets by file number, the newest cut of each, and the moments."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self.newest: dict[int, int] = {}
        self.moments = array("d")

    def enter(self, count: int) -> None:
        """Open so many streams; returns when each has its first event."""
        deadline = time.monotonic() + READY_S_MAX
        while len(self.newest) < count or not all(self.newest.values()):
            for _ in range(min(AT_ONCE, count - len(self.newest))):
                self._open()
            self.read(0.05)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.newest)} of {count} viewers came in {READY_S_MAX:.0f} s")

    def _open(self) -> None:
        viewer = socket.create_connection(("127.0.0.1", self._port), 20)
        viewer.sendall(REQUEST)
        viewer.setblocking(False)
        self._sockets[viewer.fileno()] = viewer
        self.newest[viewer.fileno()] = 0
        self._poll.register(viewer, select.EPOLLIN)

    def read(self, wait_s: float) -> None:
        """Take what has come."""
        for number, _ in self._poll.poll(wait_s):
            data = self._sockets[number].recv(1 << 16)
            at_s = time.monotonic()
            place = data.rfind(ID)
            if place >= 0:
                cut = int(data[place + len(ID) : data.index(b"\n", place + 1)])
                if cut > self.newest[number]:
                    self.newest[number] = cut
                    self.moments.extend((float(cut), at_s))
            elif not data:
                raise ConnectionError("the server closed a stream")


def main(port: int, viewers: int, file: Path) -> None:
    """Watch until the input ends."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(port)
    crowd.enter(viewers)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    asked = select.poll()
    asked.register(sys.stdin, select.POLLIN | select.POLLHUP)
    while not asked.poll(0):
        crowd.read(0.05)
    last = int(sys.stdin.readline())
    deadline = time.monotonic() + LAST_S_MAX
    while min(crowd.newest.values()) < last and time.monotonic() < deadline:
        crowd.read(0.05)
    file.write_bytes(crowd.moments.tobytes())
    at_last = sum(cut == last for cut in crowd.newest.values())
    sys.stdout.write(json.dumps({"viewers": len(crowd.newest), "at_last": at_last}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
