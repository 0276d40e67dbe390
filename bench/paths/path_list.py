"""The list of all paths that `make bench` measures. A new path is added here."""

from __future__ import annotations

from typing import Final

from bench.paths import alert, backlog, board, import_csv, intake, latency, recovery, relay
from bench.paths.path_definition import Path

PATHS: Final[tuple[Path, ...]] = (
    backlog.PATH,
    backlog.COMPILED,
    backlog.MIXED_PATH,
    backlog.MIXED_COMPILED,
    intake.PATH,
    import_csv.PATH,
    relay.PATH,
    latency.PATH,
    alert.PATH,
    board.PATH,
    recovery.PATH,
)


def find(names: list[str]) -> list[Path]:
    """Return the paths with these names, or all paths if `names` is empty. KeyError if a name is unknown."""
    known = {path.name: path for path in PATHS}
    return [known[name] for name in names] if names else list(PATHS)
