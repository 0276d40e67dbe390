"""Compares the growth in minutes, since the start of the day and on the page with the register.

Part of invariant 8.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from faults.invariant_result import InvariantResult
from faults.invariants.counts import GROWTH, ExpectedCounts, Place
from faults.invariants.independent_cut_reader import CountedEvents, Range
from faults.observation.evidence import TopicRecords

PROVINCE: Final[Place] = ("all", "31")
MINUTE_AGE_S_MAX: Final = 130.0
"""A minute ends at most 60 s after the former one. The rest is for a slow machine."""
Quarantined = Mapping[str, frozenset[Range]]
"""The quarantined events of each cut that has some, by the cut's id."""


class KeptCut(msgspec.Struct):
    """One of the two cuts whose difference a minute is."""

    cut: str
    positions: tuple[int, ...]


class Minute(msgspec.Struct):
    """The fields of a record of region-minutes that the check uses."""

    scope: str
    minute: datetime
    rows: tuple[tuple[str, int], ...]
    since: KeptCut = msgspec.field(name="from")
    upto: KeptCut = msgspec.field(name="to")


class DayStart(msgspec.Struct):
    """The fields of a record of register-days that the check uses."""

    scope: str
    rows: tuple[tuple[str, int], ...]


def check_minutes(
    result: InvariantResult,
    topic: TopicRecords,
    expected: ExpectedCounts,
    quarantined: Quarantined,
    newest: tuple[str, float],
) -> dict[datetime, int]:
    """Compare each minute with the register's events between its two cuts; return the province's growth.

    Each minute continues where the former one ended, and the first one begins without any participant. So the
    growth of all minutes together is the count. `newest` is the cut at which the newest minute ended by the
    publisher's database, and its age in seconds.
    """
    minutes: dict[datetime, list[Minute]] = defaultdict(list)
    for key, value in topic.newest().items():
        scope, _, text = (key or b"").decode().partition("|")
        if result.check(value is not None, f"the minute {text} of {scope} is deleted") and value is not None:
            record = msgspec.json.decode(value, type=Minute)
            minutes[record.minute].append(record)
    former: KeptCut | None = None
    for minute, records in sorted(minutes.items()):
        whole = next((record for record in records if record.scope == "all"), None)
        if not result.check(whole is not None, f"{minute} has no record of all scopes") or whole is None:
            continue
        begins = whole.since.cut == former.cut if former else not any(whole.since.positions)
        result.check(begins, f"{minute} begins at cut {whole.since.cut}, the former one ends at {former}")
        former = whole.upto
        correct = expected.growth(_counted(whole.since, quarantined), _counted(whole.upto, quarantined))
        found = Counter({(record.scope, region): n for record in records for region, n in record.rows})
        wrong = [place for place in found.keys() | correct.keys() if found[place] != correct[place]]
        result.check(not wrong, f"{minute}: {_difference(wrong, found, correct)}")
    kept_cut, age_s = newest
    published = {record.upto.cut for records in minutes.values() for record in records}
    is_published = kept_cut in published or not published
    result.check(is_published, f"the minute up to cut {kept_cut} is not published")
    result.check(age_s <= MINUTE_AGE_S_MAX, f"the newest minute ended {age_s:.0f} s ago")
    result.notes.append(f"{len(minutes)} minutes")
    return {
        minute: sum(
            n for record in records for region, n in record.rows if (record.scope, region) == PROVINCE
        )
        for minute, records in minutes.items()
    }


def check_today(
    result: InvariantResult,
    topic: TopicRecords,
    expected: ExpectedCounts,
    day_start: tuple[int, ...],
    pages: Sequence[Mapping[str, Any]],
) -> None:
    """Compare the start of the day, and the growth of the day on each page, with the register.

    `pages` are the responses of /v1/pace for the province after the last event was counted.
    """
    nothing = CountedEvents((0,) * len(day_start))
    correct = expected.growth(nothing, CountedEvents(day_start))
    records = [msgspec.json.decode(value, type=DayStart) for value in topic.newest().values() if value]
    found = Counter({(record.scope, region): n for record in records for region, n in record.rows})
    wrong = [place for place in found.keys() | correct.keys() if found[place] != correct[place]]
    result.check(not wrong, f"the start of the day: {_difference(wrong, found, correct)}")
    count = sum(number * expected.final[(*PROVINCE, measure)] for measure, number in GROWTH.items())
    for page in pages:
        today = count - correct[PROVINCE]
        result.check(page["today"] == today, f"the page says today {page['today']}, must be {today}")


def check_pace(
    result: InvariantResult, growth: Mapping[datetime, int], pages: Sequence[Mapping[str, Any]]
) -> None:
    """Compare the minutes on each page, from which it derives the pace, with the published minutes."""
    for page in pages:
        for text, shown in page["minutes"]:
            correct = growth.get(datetime.fromisoformat(text), 0)
            result.check(shown == correct, f"the page says {shown} in the minute {text}, must be {correct}")


def _counted(kept: KeptCut, quarantined: Quarantined) -> CountedEvents:
    return CountedEvents(kept.positions, quarantined.get(kept.cut, frozenset()))


def _difference(wrong: Sequence[Place], found: Counter[Place], correct: Counter[Place]) -> str:
    if not wrong:
        return ""
    place = min(wrong)
    return f"{len(wrong)} regions are wrong, {place} is {found[place]}, must be {correct[place]}"
