"""The type of a planted bug: what it replaces, the faults that expose it, the invariant that it violates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faults.planted.patches import Patch


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """A bug, the processes that run with it, the faults that expose it, and its effect.

    Each of `faults` exposes the bug by itself. `invariant` is the number of the invariant that is then
    violated, and `symptom` describes the violation.
    """

    name: str
    processes: tuple[str, ...]
    faults: tuple[str, ...]
    invariant: int
    symptom: str
    patches: tuple[Patch, ...]
    prepare: Callable[[], None] = _nothing
    """Runs once before the service starts."""

    def plant(self) -> None:
        """Plant the bug in this process. Raises PatchTargetMissingError if the service's code has changed."""
        for patch in self.patches:
            patch.plant()
        self.prepare()
