"""What the board shows now: the rows of the newest cut, since when each is as it is, and how fresh they are.

Pure: the time of each call is an argument, in seconds of a monotonic clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from board.regions import LEVELS, Region, Regions, lies_in
from cuts.freshness import Freshness, FreshnessState, FreshnessView
from cuts.records import Audit, CutRecord, RegisterState
from cuts.state import ApplyResult, CutState, Key

VERSIONS_KEPT_S: Final = 600.0
"""How long a page that was away can still be sent only what changed."""

Version = tuple[int, int]


@dataclass(frozen=True)
class Head:
    """What stands above the rows of every answer."""

    cut: str
    as_of: datetime | None
    state: FreshnessState
    coverage: float | None
    audit: Audit | None


class BoardState:
    """Takes cuts and register states in, gives rows and heads out.

    `serial` counts what became visible. It, and not the cut's id, says what a viewer has: counts may be
    corrected under the id that stood, and an id says nothing of the replica's own history.
    """

    def __init__(self, regions: Regions, targets: Mapping[Key, int]) -> None:
        self.regions = regions
        self.targets = targets
        self.cuts = CutState()
        self.fresh = Freshness()
        self.serial = 0
        self._rows: dict[str, dict[str, dict[str, int]]] = {}
        self._changed_at: dict[str, dict[str, int]] = {}
        self._serials: dict[Version, int] = {}
        self._versions: deque[tuple[float, Version]] = deque()
        self._before: Head | None = None
        """The head kept from an earlier run, until this one has heard for itself."""

    @property
    def ready(self) -> bool:
        """Whether there is a cut to show."""
        return self.cuts.ready

    @property
    def version(self) -> Version:
        """(term, cut) of the cut shown."""
        return self.cuts.version

    def restore(self, records: list[CutRecord], head: Head, now_s: float) -> None:
        """Show the cut of an earlier run; nothing of it counts as heard."""
        for record in records:
            self.cut(record, now_s, is_new=False)
        self._before = head

    def cut(self, record: CutRecord, now_s: float, *, is_new: bool) -> ApplyResult:
        """Take a record of region-counts."""
        applied = self.cuts.apply(record)
        if applied.state_changed:
            self.serial += 1
            self._take(applied.changed)
            self._remember(now_s)
        if applied.publisher_alive:
            self.fresh.cut(self.cuts.positions, self.cuts.quarantined_total, now_s, is_new=is_new)
        return applied

    def register_state(self, state: RegisterState, now_s: float, *, is_new: bool) -> None:
        """Take a record of register-state."""
        self.fresh.register_state(state, now_s, is_new=is_new)

    def head(self, now_s: float) -> Head:
        """What holds now; what this run has not heard yet is as the last one left it."""
        view: FreshnessView = self.fresh.view(now_s)
        before = self._before
        newest = self.fresh.newest
        audit = newest.audit if newest else None
        if before:
            return Head(
                cut=self.cuts.id,
                as_of=view.as_of or before.as_of,
                state=view.state,
                coverage=before.coverage if view.coverage is None else view.coverage,
                audit=audit or before.audit,
            )
        return Head(self.cuts.id, view.as_of, view.state, view.coverage, audit)

    def has(self, scope: str) -> bool:
        """Whether anything is counted, or aimed at, in this scope."""
        return scope == "all" or scope in self._rows or any(key[0] == scope for key in self.targets)

    def count(self, scope: str, region: str, measure: str = "registered") -> int:
        """One count; 0 where nothing is counted."""
        return self._rows.get(scope, {}).get(region, {}).get(measure, 0)

    def counts(self, scope: str, region: str) -> dict[str, int]:
        """All counts of a region by measure, `registered` first."""
        counted = self._rows.get(scope, {}).get(region, {})
        return {"registered": counted.get("registered", 0)} | dict(sorted(counted.items()))

    def target(self, scope: str, region: str) -> int | None:
        """How many are to be registered there, if that was set."""
        return self.targets.get((scope, region, "registered"))

    def listed(
        self, scope: str, level: str | None = None, parent: str | None = None, depth: str = LEVELS[-1]
    ) -> list[Region]:
        """The regions known or counted: of a level, below a parent, down to level `depth`."""
        unknown = [self.regions.get(code) for code in self._rows.get(scope, {}) if code not in self.regions]
        regions = sorted([*self.regions, *unknown], key=lambda region: region.code)
        return [
            region
            for region in regions
            if (level is None or region.level == level)
            and (parent is None or lies_in(region.code, parent))
            and _within(region, depth)
        ]

    def changed_since(self, scope: str, serial: int, depth: str) -> list[Region]:
        """The regions down to level `depth` whose counts moved after `serial`."""
        changed = self._changed_at.get(scope, {})
        regions = (self.regions.get(code) for code in sorted(changed) if changed[code] > serial)
        return [region for region in regions if _within(region, depth)]

    def serial_of(self, version: Version) -> int | None:
        """What a viewer has that was sent this version; None: not shown here in the last ten minutes."""
        return self._serials.get(version)

    def _take(self, changed: Mapping[Key, int]) -> None:
        for (scope, region, measure), count in changed.items():
            counts = self._rows.setdefault(scope, {}).setdefault(region, {})
            if count:
                counts[measure] = count
            else:
                counts.pop(measure, None)
            self._changed_at.setdefault(scope, {})[region] = self.serial

    def _remember(self, now_s: float) -> None:
        if self.version not in self._serials:
            self._serials[self.version] = self.serial
            self._versions.append((now_s, self.version))
        while len(self._versions) > 1 and self._versions[0][0] < now_s - VERSIONS_KEPT_S:
            del self._serials[self._versions.popleft()[1]]


def _within(region: Region, depth: str) -> bool:
    return LEVELS.index(region.level) <= LEVELS.index(depth)
