"""Which paths `make bench` measures. A module has one, or two; it is added here alone."""

from __future__ import annotations

from bench import alerting, backlog, importing, latency, recovery, registering, relaying, viewers
from bench.contenders import Path

PATHS: tuple[Path, ...] = (
    backlog.PATH,
    backlog.COMPILED,
    registering.PATH,
    importing.PATH,
    relaying.PATH,
    latency.PATH,
    alerting.PATH,
    viewers.PATH,
    recovery.PATH,
)


def find(names: list[str]) -> list[Path]:
    """The paths of these names, all of them without any; raises KeyError naming the one unknown."""
    known = {path.name: path for path in PATHS}
    return [known[name] for name in names] if names else list(PATHS)
