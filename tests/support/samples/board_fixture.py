"""A board with a few regions and a clock that tests advance."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from board.app_state import make_app_state
from board.regions import Region, Regions
from board.state.counts import BoardState
from board.state.day_growth import DayRecord
from board.state.milestones import Crossing
from board.state.registration_rate import MINUTE, KeptCut, MinuteRecord
from board.stream.subscriber_updates import Subscriber
from cuts.state import Key
from tests.support.samples.cuts import cut_record, register_state, row

NOW = datetime(2021, 10, 24, 12, 5, 1, tzinfo=UTC)
TARGETS: dict[Key, int] = {("all", "31", "registered"): 200_000, ("all", "31.71", "registered"): 30_000}
REGIONS = Regions(
    {
        region.code: region
        for region in (
            Region("31", "DKI Jakarta", "province", None),
            Region("31.71", "Jakarta Pusat", "city", "31"),
            Region("31.72", "Jakarta Utara", "city", "31"),
            Region("31.71.01", "Gambir", "district", "31.71"),
            Region("31.71.01.1001", "Gambir", "subdistrict", "31.71.01"),
        )
    }
)


@dataclass
class Clock:
    """A monotonic clock whose time a test sets."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class BoardFixture:
    """A board, with short methods that apply records to it."""

    clock: Clock = field(default_factory=Clock)
    viewers_max: int = 10

    def __post_init__(self) -> None:
        self.board_state = BoardState(REGIONS, TARGETS)
        self.app_state = make_app_state(self.board_state, self.clock, lambda: NOW, self.viewers_max)
        self.milestones = self.app_state.milestones
        self.subscriptions = self.app_state.subscriptions

    def full(self, cut: int, count: int = 0, **fields: Any) -> None:
        rows = (row("31", count), row("31.71", count))
        self._cut(cut_record(cut, **{"rows": rows, **fields}))

    def change(self, cut: int, count: int, **fields: Any) -> None:
        rows = (row("31", count), row("31.71", count))
        self._cut(cut_record(cut, **{"base": cut - 1, "rows": rows, **fields}))

    def _cut(self, record: Any) -> None:
        if self.board_state.apply_cut(record, self.clock.now_s, is_new=True).state_changed:
            self.subscriptions.on_change()

    def register(self, second: float, *last_sequence: int, **fields: Any) -> None:
        self.board_state.apply_register_state(
            register_state(second, *last_sequence, **fields), self.clock.now_s, is_new=True
        )

    def cross(self, threshold: int, sequence: int, **fields: Any) -> None:
        if self.milestones.add(crossing(threshold, sequence, **fields)):
            self.subscriptions.on_change()

    def start_day(self, count: int) -> None:
        """Set the live participants of the province at the start of the day of NOW."""
        self.app_state.day_growth.add(DayRecord("all", NOW.date(), 1, 1, (("31", count),)))

    def grow(self, growth: int, minutes_back: int = 0) -> None:
        """Add the growth of the province in the minute before NOW, or in an earlier one."""
        minute = NOW.replace(second=0) - MINUTE * (1 + minutes_back)
        kept = KeptCut(f"7.{100 - minutes_back}")
        self.app_state.registration_rate.add(MinuteRecord("all", minute, 1, (("31", growth),), upto=kept))

    def events(self, subscriber: Subscriber) -> list[Event]:
        """Return the events that the subscriber is sent now, without its pace and its list of milestones."""
        return [event for event in self.all_events(subscriber) if event.name not in ("pace", "milestones")]

    def tick(self, viewer: Subscriber, *, receives: bool) -> list[Event]:
        """Let a second pass, in which the board receives a cut and a register state, or nothing."""
        self.clock.now_s += 1
        if receives:
            self.register(self.clock.now_s, 1)
            self.full(1, 5)
        self.subscriptions.tick()
        return self.all_events(viewer)

    def all_events(self, subscriber: Subscriber) -> list[Event]:
        return parse(self.subscriptions.next_bytes(subscriber))


def crossing(threshold: int, sequence: int, **fields: Any) -> Crossing:
    defaults: dict[str, Any] = {
        "id": f"crossing-{threshold}",
        "scope": "all",
        "region": "31",
        "rule": "absolute",
        "measure": "registered",
        "epoch": "ever",
        "value": threshold,
        "cut": "1.1",
        "crossed_at": NOW,
        "state": "crossed",
    }
    return Crossing(threshold=threshold, sequence=sequence, **{**defaults, **fields})


@dataclass(frozen=True)
class Event:
    """A server-sent event that was received. The id of a ping is empty."""

    name: str
    id: str
    data: dict[str, Any]

    @property
    def counts(self) -> dict[str, int]:
        return {row["region"]: row["counts"]["registered"] for row in self.data["rows"]}


def parse(text: bytes) -> list[Event]:
    """Return the server-sent events in a part of a stream, without comments and retry lines."""
    events = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append(Event(fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return events
