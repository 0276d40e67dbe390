"""Invariant 9: no delivery takes longer than its bound because of another receiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from faults.campaign_result import Round
from faults.invariant_result import InvariantResult

DELIVERED_S_MAX: Final = 10.0
AFTERMATH: Final = timedelta(seconds=20)
"""A message whose notifier was killed is sent again after its claim has expired, within this time."""
COMMON: Final = frozenset({"database", "notifier"})
NEEDS: Final = {"email": COMMON | {"mail server"}, "webhook": COMMON | {"receiver"}}
"""What the deliveries on a channel need. The receivers of other channels are not among it."""


def check_delivery_time(
    alerts: Sequence[Mapping[str, Any]], arrivals: Mapping[str, datetime], rounds: Sequence[Round]
) -> InvariantResult:
    """Check the time from the storing of each alert to its arrival.

    An alert is left out if a fault of something that its channel needs was injected meanwhile, or shortly
    before. A fault of the receiver of another channel is no excuse.
    """
    result = InvariantResult(9, "no delivery exceeds its bound because of another receiver")
    times_s: list[float] = []
    excused = 0
    for alert in alerts:
        stored_at, arrived_at = alert["created_at"], arrivals.get(alert["id"])
        until = max(stored_at + timedelta(seconds=DELIVERED_S_MAX), arrived_at or stored_at)
        if any(_disturbs(fault_round, alert["channel"], stored_at, until) for fault_round in rounds):
            excused += 1
            continue
        took_s = (arrived_at - stored_at).total_seconds() if arrived_at else float("inf")
        times_s.append(took_s)
        result.check(
            took_s <= DELIVERED_S_MAX, f"{alert['channel']} alert {alert['id']} took {took_s:.1f} s to arrive"
        )
    if times_s:
        result.notes.append(f"median {median(times_s):.1f} s, max {max(times_s):.1f} s")
    result.notes.append(f"{excused} deliveries left out, because a fault concerned them")
    return result


def _disturbs(fault_round: Round, channel: str, since: datetime, until: datetime) -> bool:
    """Whether the round broke something that a delivery on this channel needed between the two times."""
    broken = frozenset[str]().union(*(fault.broken for fault in fault_round.faults))
    is_needed = bool(broken & NEEDS[channel])
    return is_needed and fault_round.began_at < until and since < fault_round.ended_at + AFTERMATH
