"""Planted bugs of the figures around the counts: epochs, minutes, audits, deliveries and copies of events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from aggregator.domain.minute_record import Growth, KeptCut, write_minutes
from aggregator.publishing.minute_publisher import TOPIC, MinutePublisher, _key
from aggregator.publishing.queries import QUERIES
from aggregator.rebuild.shadow_set import ShadowSet
from cuts.freshness import Freshness
from kafka.leader_producer import LeaderRecord
from notifier.cut_evaluator import CutEvaluator
from notifier.delivery_queue import DeliveryQueue
from notifier.domain.alerts import Channel
from notifier.store.messages import Lane
from registration.audit.auditor import Auditor, AuditOutcome
from registration.relay.stall_cause import InspectedPartition, Stall

QUARANTINED_MAX: Final = 1_000
PROVINCE: Final = ("all", "31")
PLANTED_GROWTH: Final = 1_000
KEPT: Final = timedelta(hours=48)
FULL_EVERY_S: Final = 4.0
WEBHOOKS_CHECK_S: Final = 0.1

_audit_newest = Auditor._audit_newest
_send_next_once = DeliveryQueue.send_next_once


def require_nothing_in_a_new_epoch(self: ShadowSet, live_positions: Mapping[int, int]) -> Mapping[int, int]:
    """Like `ShadowSet.required`, but a set of a new epoch becomes live even if it is empty."""
    return {} if self.register_epoch else live_positions


async def do_not_wait(self: CutEvaluator) -> None:
    """In place of `CutEvaluator.wait_until_evaluated`: only the newest of the records read is evaluated."""


async def send_webhooks_first(self: DeliveryQueue, lane: Lane) -> bool:
    """Like `DeliveryQueue.send_next_once`, but an e-mail waits until no webhook is being called."""
    while lane.channel is Channel.EMAIL and any(
        runners for other, runners in self._runners.items() if other.channel is Channel.WEBHOOK
    ):
        await asyncio.sleep(WEBHOOKS_CHECK_S)
    return await _send_next_once(self, lane)


async def audit_few_quarantined(self: Auditor) -> AuditOutcome:
    """Like `Auditor._audit_newest`, but audits no cut with more than QUARANTINED_MAX quarantined events."""
    cut = self._cuts.newest()
    if cut and sum(last - first + 1 for _, first, last in cut.quarantined) > QUARANTINED_MAX:
        return AuditOutcome.UNEXPLAINED
    return await _audit_newest(self)


def audited_once(self: Freshness, _now_s: float) -> bool:
    """Like `Freshness._audited`, but an audit of any age is evidence for the shown counts."""
    return self._newest is not None and self._newest.audit is not None


def rewind_to_the_position(stall: Stall, _inspected: InspectedPartition) -> int:
    """Like `rewind_target`, but publishes all uncounted events again, whatever the topic has."""
    return stall.position


def write_minutes_with_too_much(
    term: int, since: KeptCut, upto: KeptCut, growth: Iterable[Growth]
) -> dict[str, bytes]:
    """Like `write_minutes`, but each minute has PLANTED_GROWTH registrations too many in the province."""
    changes = {(scope, region): change for scope, region, change in growth}
    changes[PROVINCE] = changes.get(PROVINCE, 0) + PLANTED_GROWTH
    return write_minutes(term, since, upto, [(*place, change) for place, change in changes.items()])


async def delete_expired_by_own_clock(self: MinutePublisher, term: int) -> int:
    """Like `MinutePublisher.delete_expired`, but minutes expire by the clock of this process."""
    rows = await self._pool.fetch(
        "select minute, scope from kept_minute where minute < $1", datetime.now(UTC) - KEPT
    )
    if rows:
        records = [LeaderRecord(_key(row["minute"], row["scope"]), None) for row in rows]
        await self._producer.send(TOPIC, records, term)
        await QUERIES.delete_minutes(
            self._pool, minutes=[row["minute"] for row in rows], scopes=[row["scope"] for row in rows]
        )
    return len(rows)
