"""Holds the newest cut, which the board shows, with its freshness and the last change of each region.

The functions do no I/O and read no clock. They take the time as an argument, in seconds of a monotonic clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from board.regions import LEVELS, Region, Regions, lies_in
from board.state.next_threshold import MilestoneRules, next_milestone
from cuts.freshness import Freshness, FreshnessState, FreshnessView
from cuts.records import Audit, CutRecord, GrowthAudit, RegisterState
from cuts.state import ApplyResult, CutState, Key

VERSIONS_KEPT_S: Final = 600.0
"""A viewer that reconnects within this time is sent only the changes since its last version."""

Version = tuple[int, int]
"""The term and the number of a cut."""


@dataclass(frozen=True)
class Head:
    """The head of a cut, which accompanies every count: its id, time, freshness, coverage and last audit.

    `ignored` is the number of records in partitions that the register does not have. `audited` is whether the
    last audit is recent enough to be evidence for the counts.
    """

    cut: str
    as_of: datetime | None
    state: FreshnessState
    coverage: float | None
    ignored: int
    audit: Audit | None
    audited: bool
    growth_audit: GrowthAudit | None = None

    @property
    def drift(self) -> int:
        """The drift of the counts and of the published minutes."""
        counts = self.audit.drift if self.audit else 0
        return counts + (self.growth_audit.drift if self.growth_audit else 0)


class BoardState:
    """Applies cuts and register states, and returns the counts by region and the head.

    `serial` increases with every visible change. The stream notes for each viewer the serial up to which it
    was sent the changes. A cut's id would not be enough, for two reasons: a full record may correct counts
    without changing the cut's id, and this replica of the board may never have shown the cut with that id.
    """

    def __init__(self, regions: Regions, targets: Mapping[Key, int]) -> None:
        self.regions = regions
        self.targets = targets
        self.rules = MilestoneRules()
        self.cuts = CutState()
        self.freshness = Freshness()
        self.serial = 0
        self._counts: dict[str, dict[str, dict[str, int]]] = {}
        """The counts of the cut, by scope, region and measure."""
        self._changed_at: dict[str, dict[str, int]] = {}
        """The serial at which each region's counts last changed, by scope and region."""
        self._serials: dict[Version, int] = {}
        """The serial at which each version was first shown."""
        self._versions: deque[tuple[float, Version]] = deque()
        """The versions in `_serials` with the times at which they were first shown, oldest first."""
        self._restored_head: Head | None = None
        """The head from the state file, used for values that have not been received since the start.

        None if no state file was restored.
        """

    @property
    def ready(self) -> bool:
        """Whether there is a cut to show."""
        return self.cuts.ready

    @property
    def version(self) -> Version:
        """The term and the number of the shown cut."""
        return self.cuts.version

    def restore(self, records: list[CutRecord], head: Head, now_s: float) -> None:
        """Show the last cut of the previous board process. It does not prove that the publisher is alive."""
        for record in records:
            self.apply_cut(record, now_s, is_new=False)
        self._restored_head = head

    def apply_cut(self, record: CutRecord, now_s: float, *, is_new: bool) -> ApplyResult:
        """Apply a record of region-counts.

        `is_new` is True if the record was written after this board began to read.
        """
        applied = self.cuts.apply(record)
        if applied.state_changed:
            self.serial += 1
            self._apply_counts(applied.changed)
            self._remember_version(now_s)
        if applied.publisher_alive:
            self.freshness.cut(
                self.cuts.positions,
                self.cuts.quarantined_total,
                now_s,
                is_new=is_new,
                epoch=self.cuts.epoch,
            )
        return applied

    def apply_register_state(self, state: RegisterState, now_s: float, *, is_new: bool) -> None:
        """Apply a record of register-state. `is_new` is as for `apply_cut`."""
        self.freshness.register_state(state, now_s, is_new=is_new)

    def head(self, now_s: float) -> Head:
        """Return the head at `now_s`. Values not received yet are those of the restored head."""
        view: FreshnessView = self.freshness.view(now_s)
        restored = self._restored_head
        newest = self.freshness.newest
        audit = newest.audit if newest else None
        growth_audit = newest.growth_audit if newest else None
        if restored:
            return Head(
                cut=self.cuts.id,
                as_of=view.as_of or restored.as_of,
                state=view.state,
                coverage=restored.coverage if view.coverage is None else view.coverage,
                ignored=self.cuts.ignored,
                audit=audit or restored.audit,
                audited=view.audited,
                growth_audit=growth_audit,
            )
        return Head(
            self.cuts.id,
            view.as_of,
            view.state,
            view.coverage,
            self.cuts.ignored,
            audit,
            view.audited,
            growth_audit,
        )

    def has_scope(self, scope: str) -> bool:
        """Whether the scope has a count or a target."""
        return scope == "all" or scope in self._counts or any(key[0] == scope for key in self.targets)

    def count(self, scope: str, region: str, measure: str = "registered") -> int:
        """Return one count; 0 if the cut does not have it."""
        return self._counts.get(scope, {}).get(region, {}).get(measure, 0)

    def live_count(self, scope: str, region: str) -> int:
        """Return the count of live participants: of those registered, without the stock."""
        return self.count(scope, region) - self.count(scope, region, "stock")

    def counts(self, scope: str, region: str) -> dict[str, int]:
        """Return all counts of a region by measure, `registered` first."""
        counts = self._counts.get(scope, {}).get(region, {})
        return {"registered": counts.get("registered", 0)} | dict(sorted(counts.items()))

    def target(self, scope: str, region: str) -> int | None:
        """Return the target for registered participants; None if there is no such target."""
        return self.targets.get((scope, region, "registered"))

    def next_threshold(self, scope: str, region: str) -> int | None:
        """Return the lowest threshold of the published rules above the count; None if no rule has one."""
        return next_milestone(self.rules, scope, self.regions.get(region), self.count(scope, region))

    def list_regions(
        self, scope: str, level: str | None = None, parent: str | None = None, depth: str = LEVELS[-1]
    ) -> list[Region]:
        """Return the known regions and the unknown regions that have counts, in the order of their codes.

        If `level` is given, return only regions of that level; if `parent` is given, only regions inside it.
        `depth` is the lowest level to return.
        """
        unknown = [self.regions.get(code) for code in self._counts.get(scope, {}) if code not in self.regions]
        regions = sorted([*self.regions, *unknown], key=lambda region: region.code)
        return [
            region
            for region in regions
            if (level is None or region.level == level)
            and (parent is None or lies_in(region.code, parent))
            and _within(region, depth)
        ]

    def changed_since(self, scope: str, serial: int, depth: str) -> list[Region]:
        """Return the regions, down to the level `depth`, whose counts changed after `serial`."""
        changed = self._changed_at.get(scope, {})
        regions = (self.regions.get(code) for code in sorted(changed) if changed[code] > serial)
        return [region for region in regions if _within(region, depth)]

    def serial_of(self, version: Version) -> int | None:
        """Return the serial at which this board first showed a version.

        None if it never showed the version, or first showed it more than VERSIONS_KEPT_S ago.
        """
        return self._serials.get(version)

    def _apply_counts(self, changed: Mapping[Key, int]) -> None:
        for (scope, region, measure), count in changed.items():
            counts = self._counts.setdefault(scope, {}).setdefault(region, {})
            if count:
                counts[measure] = count
            else:
                counts.pop(measure, None)
            self._changed_at.setdefault(scope, {})[region] = self.serial

    def _remember_version(self, now_s: float) -> None:
        if self.version not in self._serials:
            self._serials[self.version] = self.serial
            self._versions.append((now_s, self.version))
        while len(self._versions) > 1 and self._versions[0][0] < now_s - VERSIONS_KEPT_S:
            del self._serials[self._versions.popleft()[1]]


def _within(region: Region, depth: str) -> bool:
    return LEVELS.index(region.level) <= LEVELS.index(depth)
