"""Invariant 4: each threshold reached has one latch and one alert for each official; none else has any."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from faults.evidence import Stored
from faults.invariant_result import Finding
from faults.invariants.counts import WATCHED, Cell
from simulator.verify.alert_check import Deliveries

GOVERNOR, CONTROL_ROOM = "official:governor", "webhook:control-room"
OFFICIALS: Final = {
    "province": {GOVERNOR, CONTROL_ROOM},
    "fest": {GOVERNOR, CONTROL_ROOM},
    "city": {CONTROL_ROOM},
}


@dataclass(frozen=True)
class Watched:
    """What rules.yaml says, told a second time."""

    rule: str
    cell: Cell
    every: int


RULES: Final = (
    Watched("province", ("all", "31", "registered"), 1000),
    Watched("fest", ("campaign:fest-2021", "31", "registered"), 250),
    *(Watched("city", ("all", region, "registered"), 2000) for region in WATCHED if region != "31"),
)


def check_alerts(
    stored: Stored, final: Mapping[Cell, int], highest: Mapping[Cell, int], arrived: Deliveries, trapped: int
) -> Finding:
    """4: register, latches, alerts and what arrived agree."""
    finding = Finding(4, "each milestone is told once to each: never missed, never doubled")
    latches = Counter((one["rule"], one["scope"], one["region"], one["threshold"]) for one in stored.latches)
    due = set(_due(final))
    for key in due:
        finding.must(latches[key] == 1, f"{key} was reached and has {latches[key]} latches")
    possible = set(_due(highest)) | due
    for key, count in latches.items():
        finding.must(count == 1 and key in possible, f"{key} has {count} latches and was never reached")
    _check_each(finding, stored.alerts, latches, arrived)
    finding.must(arrived.forged == 0, f"{arrived.forged} calls were not signed by us")
    finding.must(trapped == 0, f"{trapped} calls followed a redirect to a private address")
    strange = (arrived.webhook.keys()) - {one["id"] for one in stored.alerts}
    finding.must(not strange, f"{len(strange)} webhooks of alerts that are in no receipt")
    again = sum(count - 1 for count in arrived.webhook.values())
    finding.notes.append(
        f"{len(latches):,} milestones, {len(stored.alerts):,} alerts, {again:,} webhooks repeated by id"
    )
    return finding


def _check_each(
    finding: Finding,
    alerts: Sequence[Mapping[str, object]],
    latches: Counter[tuple[str, str, str, int]],
    arrived: Deliveries,
) -> None:
    told: dict[object, Counter[object]] = defaultdict(Counter)
    for one in alerts:
        key = (one["rule"], one["scope"], one["region"], one["threshold"])
        told[key][one["recipient"]] += 1
        times = (arrived.webhook if one["channel"] == "webhook" else arrived.mailbox)[str(one["id"])]
        finding.must(times >= 1, f"{one['channel']} alert of {key} to {one['recipient']} never arrived")
        finding.must(one["state"] == "delivered", f"alert of {key} to {one['recipient']} is {one['state']}")
    for latch in latches:
        wanted = Counter(dict.fromkeys(OFFICIALS[latch[0]], 1))
        finding.must(told[latch] == wanted, f"{latch} was told to {dict(told[latch])}")


def _due(counts: Mapping[Cell, int]) -> Iterator[tuple[str, str, str, int]]:
    for one in RULES:
        for threshold in range(one.every, counts.get(one.cell, 0) + 1, one.every):
            yield one.rule, one.cell[0], one.cell[1], threshold
