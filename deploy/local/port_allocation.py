"""Allocates the local stack's TCP ports.

Each process gets the requested port, else its default port, else the port of its last start, else any free
port.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.free_ports import free_ports, is_free
from deploy.local.process_definitions import PROCESSES

DEFAULT_PORTS: Final = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "postgres": 5432,
    "smtp": 8025,
    **{name: process.port for name, process in PROCESSES.items()},
}


class PortTakenError(RuntimeError):
    """A requested port is in use, or its name is unknown."""


def allocate_ports(folder: Path, given: Mapping[str, int]) -> dict[str, int]:
    """Return a port for each name, and write them to `ports.json` for clients of the stack."""
    unknown = set(given) - set(DEFAULT_PORTS)
    if unknown:
        raise PortTakenError(
            f"no port is called {', '.join(sorted(unknown))}; there are {', '.join(DEFAULT_PORTS)}"
        )
    last = last_ports(folder)
    ports: dict[str, int] = {}
    for name, default in DEFAULT_PORTS.items():
        if name in given:
            if not is_free(given[name]):
                raise PortTakenError(f"port {given[name]} for {name} is in use")
            ports[name] = given[name]
        else:
            ports[name] = _first_free((default, last.get(name)), {*ports.values(), *given.values()})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ports.json").write_text(json.dumps(ports, indent=1) + "\n")
    return ports


def _first_free(wanted: tuple[int | None, ...], taken: set[int]) -> int:
    for port in wanted:
        if port is not None and port not in taken and is_free(port):
            return port
    return next(port for port in free_ports(len(taken) + 1) if port not in taken)


def last_ports(folder: Path) -> dict[str, int]:
    """Return the ports of the last start by name; empty before the first start."""
    try:
        found = json.loads((folder / "ports.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): int(port) for name, port in found.items()}
