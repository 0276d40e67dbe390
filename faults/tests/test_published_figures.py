"""Invariant 8 holds if every published figure equals the register; one wrong figure violates it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from faults.invariant_result import InvariantResult
from faults.invariants.counts import ExpectedCounts
from faults.invariants.independent_cut_reader import CutReplay
from faults.invariants.published_figures import Published, check_published_figures
from faults.observation.evidence import TopicRecords
from faults.observation.page_reader import PageAtEnd, PageSample
from faults.tests.evidence_samples import KELURAHAN, OTHER_KELURAHAN, database, event
from simulator.verify.delivery_check import Deliveries

VALUES = {0: [event(0, 1), event(0, 2, after=OTHER_KELURAHAN)], 1: [event(1, 1)]}
AT = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)
LATCH: dict[str, Any] = {"id": "m1", "rule": "province", "scope": "all", "region": "31", "threshold": 2}
LATCH |= {"value": 2, "cut": "1.2", "state": "crossed"}
MAIL = {"id": "a1", "channel": "email", "message": "e1"}


def _minute(
    minute: int, since: tuple[str, Sequence[int]], upto: tuple[str, Sequence[int]], *rows: Any
) -> str:
    begin, end = ({"cut": id_, "positions": positions} for id_, positions in (since, upto))
    record = {"scope": "all", "minute": f"2021-10-24T12:0{minute}:00Z", "from": begin, "to": end}
    return json.dumps(record | {"rows": rows})


def _rows(*regions: str) -> list[tuple[str, int]]:
    """Return the growth by one participant in each of these kelurahan."""
    found = Counter(region[:length] for region in regions for length in (2, 5, 8, 13))
    return sorted(found.items())


FIRST = _minute(0, ("0.0", (0, 0)), ("1.1", (1, 0)), *_rows(KELURAHAN))
SECOND = _minute(1, ("1.1", (1, 0)), ("1.2", (2, 1)), *_rows(OTHER_KELURAHAN, KELURAHAN))
DAY = json.dumps({"scope": "all", "rows": []})
PACE: dict[str, Any] = {"today": 3, "minutes": [["2021-10-24T12:00:00Z", 1], ["2021-10-24T12:01:00Z", 2]]}


def _topic(records: Mapping[str, str | None]) -> TopicRecords:
    values = [None if value is None else value.encode() for value in records.values()]
    return TopicRecords({0: values}, {0: [key.encode() for key in records]})


@dataclass
class Evidence:
    """Correct evidence, whose parts a test replaces."""

    minutes: Mapping[str, str | None] = field(default_factory=lambda: {"0": FIRST, "1": SECOND})
    day: str = DAY
    milestones: Mapping[str, str | None] = field(
        default_factory=lambda: {"rules": "{}", "m1": json.dumps(LATCH)}
    )
    pace: dict[str, Any] = field(default_factory=lambda: PACE)
    listed: list[dict[str, Any]] = field(default_factory=lambda: [LATCH])
    attempts: list[str] = field(default_factory=lambda: ["accepted"])
    copies: int = 1
    samples: list[PageSample] = field(
        default_factory=lambda: [PageSample(AT, AT - timedelta(seconds=9), 0, 0)]
    )
    foreign: int = 0
    day_start: tuple[int, ...] = (0, 0)
    kept_cut: str = "1.2"
    kept_cut_age_s: float = 60.0

    def check(self, cuts: CutReplay | None = None) -> InvariantResult:
        contents = database(VALUES, latches=[LATCH], alerts=[MAIL], attempts={"e1": self.attempts})
        contents.day_start = self.day_start
        contents.kept_cut, contents.kept_cut_age_s = self.kept_cut, self.kept_cut_age_s
        topics = {
            "region-minutes": _topic(self.minutes),
            "register-days": _topic({"all": self.day}),
            "milestones": _topic(self.milestones),
        }
        arrived = Deliveries(mailbox=Counter({"a1": self.copies}))
        published = Published(self.samples, [PageAtEnd(self.pace, self.listed)], arrived, self.foreign)
        return check_published_figures(
            contents, topics, ExpectedCounts(VALUES), cuts or CutReplay(), published
        )


def test_figures_that_equal_the_register_pass() -> None:
    result = Evidence().check()

    assert result.holds, result.violations
    assert result.notes == ["2 minutes", "1 of 1 pages show an audit"]


def test_a_page_that_says_not_checked_passes() -> None:
    unchecked = PageSample(AT, AT - timedelta(hours=1), None, None)

    assert Evidence(samples=[unchecked]).check().holds


def test_quarantined_events_are_growth_of_the_minute_in_which_they_are_applied() -> None:
    cuts = CutReplay()
    cuts.quarantined = {"1.1": frozenset({(0, 1, 1)})}
    empty = _minute(0, ("0.0", (0, 0)), ("1.1", (1, 0)))
    both = _minute(1, ("1.1", (1, 0)), ("1.2", (2, 1)), *_rows(KELURAHAN, OTHER_KELURAHAN, KELURAHAN))
    pace = PACE | {"minutes": [["2021-10-24T12:01:00Z", 3]]}

    assert Evidence({"0": empty, "1": both}, pace=pace).check(cuts).holds
    assert not Evidence({"0": empty, "1": both}, pace=pace).check().holds


def test_an_ambiguous_attempt_may_or_may_not_have_arrived() -> None:
    attempts = ["ambiguous", "accepted"]

    assert [Evidence(attempts=attempts, copies=copies).check().holds for copies in range(4)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_growth_of_the_day_begins_with_the_registers_count() -> None:
    day = json.dumps({"scope": "all", "rows": _rows(KELURAHAN)})

    assert Evidence(day=day, day_start=(1, 0), pace=PACE | {"today": 2}).check().holds
    assert not Evidence(day=day, day_start=(0, 0)).check().holds


LATE = PageSample(AT, AT - timedelta(seconds=76), 0, 0)
VIOLATIONS = {
    "too much growth": Evidence({"0": FIRST, "1": SECOND.replace('["31", 2]', '["31", 1002]')}),
    "a lost minute": Evidence({"1": SECOND}, pace=PACE | {"minutes": PACE["minutes"][1:]}),
    "a deleted minute": Evidence({"0": None, "1": SECOND}, pace=PACE | {"minutes": PACE["minutes"][1:]}),
    "a gap between minutes": Evidence(
        {"0": FIRST, "1": _minute(1, ("1.9", (2, 0)), ("1.2", (2, 1)), *_rows(KELURAHAN))},
        pace=PACE | {"minutes": [["2021-10-24T12:01:00Z", 1]]},
    ),
    "a minute that is not published": Evidence(kept_cut="1.3"),
    "no minute for a long time": Evidence(kept_cut_age_s=131.0),
    "a wrong start of the day": Evidence(day=json.dumps({"scope": "all", "rows": [["31", 1]]})),
    "a wrong day on the page": Evidence(pace=PACE | {"today": 2}),
    "no day on the page": Evidence(pace=PACE | {"today": None}),
    "a wrong minute on the page": Evidence(pace=PACE | {"minutes": [["2021-10-24T12:01:00Z", 1]]}),
    "a milestone that is not published": Evidence(milestones={}),
    "a milestone with another value": Evidence(milestones={"m1": json.dumps(LATCH | {"value": 3})}),
    "a milestone without a latch": Evidence(
        milestones={"m1": json.dumps(LATCH), "m2": json.dumps(LATCH | {"id": "m2"})}
    ),
    "a milestone that is not on the page": Evidence(listed=[]),
    "another milestone on the page": Evidence(listed=[LATCH | {"value": 3}]),
    "a receipt without a delivery": Evidence(copies=0),
    "a delivery without a receipt": Evidence(copies=2),
    "drift": Evidence(samples=[replace(LATE, checked_at=AT, drift=1)]),
    "drift of the growth": Evidence(samples=[replace(LATE, checked_at=AT, growth_drift=1)]),
    "an old audit": Evidence(samples=[LATE]),
    "ignored records that are not published": Evidence(foreign=3),
}


@pytest.mark.parametrize("evidence", VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_wrong_figure_is_a_violation(evidence: Evidence) -> None:
    assert evidence.check().violations
