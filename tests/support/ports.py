"""TCP ports for servers of tests. No other process takes such a port before the server listens on it.

Ports come from below the range from which the kernel gives ports to clients. A test session claims a block of
them by listening on the block's first port, so two sessions on one machine never give the same port.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from functools import cache
from typing import Final

from deploy.local.free_ports import is_free

FIRST: Final = 12_000
END: Final = 32_000
"""The kernel gives ports from 32,768 on to clients (net.ipv4.ip_local_port_range)."""
BLOCK: Final = 1_000
"""So many that a port is given again only long after its last server has ended."""


def free_ports(count: int) -> list[int]:
    """Return `count` different free ports on 127.0.0.1. This process does not return them again soon."""
    return list(itertools.islice(filter(is_free, _ports()), count))


@cache
def _ports() -> Iterator[int]:
    claim, first = _claim()
    return _cycle(claim, first)


def _cycle(claim: socket.socket, first: int) -> Iterator[int]:
    with claim:  # the claim lasts until the process ends
        yield from itertools.cycle(range(first + 1, first + BLOCK))


def _claim() -> tuple[socket.socket, int]:
    for first in range(FIRST, END, BLOCK):
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", first))
            claim.listen()
        except OSError:  # another session has this block
            claim.close()
        else:
            return claim, first
    raise AssertionError("every block of ports is claimed")
