"""Invariant 4: each reached threshold, and no other, has one latch and one alert for each official."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from faults.invariant_result import InvariantResult
from faults.invariants.counts import CHECKED_REGIONS
from faults.invariants.independent_cut_reader import Cell
from faults.observation.evidence import DatabaseContents
from simulator.verify.delivery_check import Deliveries

GOVERNOR, CONTROL_ROOM = "official:governor", "webhook:control-room"
RECIPIENTS: Final = {
    "province": {GOVERNOR, CONTROL_ROOM},
    "fest": {GOVERNOR, CONTROL_ROOM},
    "rise": {GOVERNOR, CONTROL_ROOM},
    "city": {CONTROL_ROOM},
}
NEXT_CHANNELS: Final = {GOVERNOR: f"{GOVERNOR}/{CONTROL_ROOM}"}
"""The channel that gets the alerts of an unconfirmed e-mail: the notifier died twice while it sent it."""
RISE_SCOPE: Final = "campaign:rise"
RISE_THRESHOLDS: Final = (5, 10, 20, 40, 80, 160, 320)
COUNT_MAX: Final = 100_000_000
LatchKey = tuple[str, str, str, int]
"""(rule, scope, region, threshold)"""


@dataclass(frozen=True)
class MilestoneRule:
    """A rule of milestone_rules.yaml, written again here so that the check is independent of the notifier."""

    name: str
    cell: Cell
    thresholds: Sequence[int]
    """In ascending order."""


def _every(number: int) -> range:
    return range(number, COUNT_MAX, number)


RULES: Final = (
    MilestoneRule("province", ("all", "31", "registered"), _every(1000)),
    MilestoneRule("fest", ("campaign:fest-2021", "31", "registered"), _every(250)),
    MilestoneRule("rise", (RISE_SCOPE, "31", "registered"), RISE_THRESHOLDS),
    *(
        MilestoneRule("city", ("all", region, "registered"), _every(2000))
        for region in CHECKED_REGIONS
        if region != "31"
    ),
)


def check_alerts(
    database: DatabaseContents,
    final: Mapping[Cell, int],
    highest: Mapping[Cell, int],
    arrived: Deliveries,
    redirected: int,
) -> InvariantResult:
    """Compare latches and alerts with the counts, and alerts with the mail and the calls that arrived.

    `final` has the counts at the end of the campaign, and `highest` has the highest published counts. A
    threshold between the two was reached in a published cut and left again, so it has a latch too.
    `redirected` is the number of webhook calls that followed a redirect to a private address.
    """
    result = InvariantResult(4, "each official is alerted exactly once of each milestone reached")
    latches = Counter(_latch_key(latch) for latch in database.latches)
    due = set(_reached(final)) | set(_reached(highest))
    for key in due:
        result.check(latches[key] == 1, f"{key} was reached and has {latches[key]} latches")
    for key, count in latches.items():
        result.check(count == 1 and key in due, f"{key} has {count} latches; reached: {key in due}")
    _check_deliveries(result, database.alerts, latches, arrived)
    result.check(arrived.forged == 0, f"{arrived.forged} calls had no valid signature")
    result.check(redirected == 0, f"{redirected} calls followed a redirect to a private address")
    unknown = arrived.webhook.keys() - {alert["id"] for alert in database.alerts}
    result.check(not unknown, f"{len(unknown)} webhook calls belong to no alert")
    repeated = sum(count - 1 for count in arrived.webhook.values())
    result.notes.append(
        f"{len(latches):,} milestones, {len(database.alerts):,} alerts, "
        f"{repeated:,} webhook calls repeated with the same id"
    )
    return result


def _check_deliveries(
    result: InvariantResult,
    alerts: Sequence[Mapping[str, Any]],
    latches: Counter[LatchKey],
    arrived: Deliveries,
) -> None:
    recipients: dict[object, Counter[object]] = defaultdict(Counter)
    wanted = {key: Counter[object](dict.fromkeys(RECIPIENTS[key[0]], 1)) for key in latches}
    for alert in alerts:
        key = _latch_key(alert)
        recipients[key][alert["recipient"]] += 1
        if alert["state"] == "unconfirmed" and alert["recipient"] in NEXT_CHANNELS and key in wanted:
            wanted[key][NEXT_CHANNELS[alert["recipient"]]] += 1
            continue
        deliveries = arrived.webhook if alert["channel"] == "webhook" else arrived.mailbox
        alert_text = f"{alert['channel']} alert of {key} to {alert['recipient']}"
        result.check(deliveries[str(alert["id"])] >= 1, f"{alert_text} never arrived")
        result.check(alert["state"] == "delivered", f"{alert_text} is {alert['state']}")
    for key, expected in wanted.items():
        result.check(recipients[key] == expected, f"{key} has alerts for {dict(recipients[key])}")


def _latch_key(row: Mapping[str, Any]) -> LatchKey:
    return row["rule"], row["scope"], row["region"], row["threshold"]


def _reached(counts: Mapping[Cell, int]) -> Iterator[LatchKey]:
    for rule in RULES:
        reached = bisect_right(rule.thresholds, counts.get(rule.cell, 0))
        for threshold in rule.thresholds[:reached]:
            yield rule.name, rule.cell[0], rule.cell[1], threshold
