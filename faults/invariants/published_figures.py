"""Invariant 8: every published figure besides the counts equals what the register says.

The figures are minutes, the growth of the day, the inputs of the pace, milestones, receipts, the audit's
statement on the page, and the number of records in unknown partitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from faults.invariant_result import InvariantResult
from faults.invariants.counts import ExpectedCounts
from faults.invariants.growth import check_minutes, check_pace, check_today
from faults.invariants.independent_cut_reader import CutReplay
from faults.observation.evidence import DatabaseContents, TopicRecords
from faults.observation.page_reader import PageAtEnd, PageSample
from simulator.verify.delivery_check import Deliveries

AUDIT_AGE_S_MAX: Final = 75.0
"""The page must not show a drift of an audit that is older. Its limit is 60 s; the rest is for slow reads."""
POSSIBLY_ARRIVED: Final = {
    "email": {"ambiguous", "open"},
    "webhook": {"ambiguous", "open", "timed_out", "unreachable", "failed"},
}
"""The reasons of attempts whose message the receiver may have got although it did not accept it."""
RULES_KEY: Final = b"rules"


@dataclass(frozen=True)
class Published:
    """What viewers and receivers got: the pages while faults were injected and at the end, and messages."""

    samples: Sequence[PageSample]
    pages: Sequence[PageAtEnd]
    arrived: Deliveries
    foreign: int
    """The number of records that participant-events has in unknown partitions."""


def check_published_figures(
    database: DatabaseContents,
    topics: Mapping[str, TopicRecords],
    expected: ExpectedCounts,
    cuts: CutReplay,
    published: Published,
) -> InvariantResult:
    """Compare each published figure with the register, and receipts with what receivers got."""
    result = InvariantResult(8, "every published figure equals what the register says")
    newest_minute = (database.kept_cut, database.kept_cut_age_s)
    growth = check_minutes(result, topics["region-minutes"], expected, cuts.quarantined, newest_minute)
    paces = [page.pace for page in published.pages]
    check_today(result, topics["register-days"], expected, database.day_start, paces)
    check_pace(result, growth, paces)
    _check_milestones(result, database.latches, topics["milestones"], published.pages)
    _check_receipts(result, database, published.arrived)
    _check_audits(result, published.samples)
    result.check(
        cuts.foreign == published.foreign,
        f"the last cut says {cuts.foreign} ignored records, must be {published.foreign}",
    )
    return result


def _check_milestones(
    result: InvariantResult,
    latches: Iterable[Mapping[str, Any]],
    topic: TopicRecords,
    pages: Iterable[PageAtEnd],
) -> None:
    stored = {str(latch["id"]): _facts(latch) for latch in latches}
    records = {
        key.decode(): msgspec.json.decode(value)
        for key, value in topic.newest().items()
        if key not in (None, RULES_KEY) and value is not None and key is not None
    }
    for id_, facts in stored.items():
        found = _facts(records[id_]) if id_ in records else None
        result.check(found == facts, f"milestone {id_} is published as {found}, must be {facts}")
    unknown = records.keys() - stored.keys()
    result.check(not unknown, f"{len(unknown)} published milestones have no latch")
    for page in pages:
        for milestone in page.milestones:
            shown, latched = _facts(milestone), stored.get(milestone["id"])
            result.check(shown == latched, f"the page shows the milestone {shown}, must be {latched}")
        listed = min(len(stored), page.milestones_max)
        result.check(
            len(page.milestones) == listed,
            f"the page lists {len(page.milestones)} milestones, must be {listed}",
        )


def _facts(milestone: Mapping[str, Any]) -> tuple[Any, ...]:
    fields = ("rule", "scope", "region", "threshold", "value", "cut", "state")
    return tuple(milestone[name] for name in fields)


def _check_receipts(result: InvariantResult, database: DatabaseContents, arrived: Deliveries) -> None:
    """Check that each message arrived once per accepted attempt, and at most once per ambiguous attempt."""
    for alert in database.alerts:
        reasons = Counter(database.attempts.get(alert["message"], ()))
        channel = alert["channel"]
        copies = (arrived.webhook if channel == "webhook" else arrived.mailbox)[alert["id"]]
        accepted = reasons["accepted"]
        possible = accepted + sum(reasons[reason] for reason in POSSIBLY_ARRIVED[channel])
        result.check(
            accepted <= copies <= possible,
            f"{channel} alert {alert['id']} arrived {copies} times; its attempts: {dict(reasons)}",
        )


def _check_audits(result: InvariantResult, samples: Sequence[PageSample]) -> None:
    for sample in samples:
        if sample.drift is None:
            continue
        age_s = (sample.at - sample.checked_at).total_seconds()
        result.check(
            age_s <= AUDIT_AGE_S_MAX,
            f"{sample.at:%H:%M:%S}: the page says drift {sample.drift} after an audit {age_s:.0f} s ago",
        )
        is_exact = sample.drift == 0 and not sample.growth_drift
        result.check(
            is_exact, f"{sample.at:%H:%M:%S}: the page says drift {sample.drift}, {sample.growth_drift}"
        )
    checked = sum(sample.drift is not None for sample in samples)
    result.notes.append(f"{checked} of {len(samples)} pages show an audit")
