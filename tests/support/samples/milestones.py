"""Samples of cuts, rules, crossings and recipients; a test sets only the values that matter to it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from localization.region_names import RegionNames
from notifier.domain.alert_evidence import AlertEvidence, Attempt
from notifier.domain.alerts import Channel, Recipient
from notifier.domain.delivery_policy import Series
from notifier.domain.milestones import Crossing, Cut
from notifier.domain.rules import At, Rule

AS_OF = datetime(2021, 10, 21, 12, 5, tzinfo=UTC)
REGIONS = RegionNames(
    {
        "31": "Daerah Khusus Ibukota Jakarta",
        "31.71": "Kota Administrasi Jakarta Pusat",
        "31.74": "Kota Administrasi Jakarta Selatan",
        "31.71.06": "Menteng",
        "31.71.06.1003": "Cikini",
    }
)


def cut(*counts: tuple[str, int], scope: str = "all", measure: str = "registered", id: str = "7.1203") -> Cut:  # noqa: A002 - the field's name
    """Return a cut with these (region, count) pairs."""
    return Cut(id, AS_OF, {(scope, region, measure): count for region, count in counts})


def rule(id: str = "rule", **other: Any) -> Rule:  # noqa: A002 - the field's name
    """Return a rule with the threshold 10 for the province."""
    fields: dict[str, Any] = {
        "scope": "all",
        "measure": "registered",
        "thresholds": At((10,)),
        "regions": frozenset({"31"}),
    }
    if "level" in other:
        fields["regions"] = None
    return Rule(id=id, **(fields | other))


def crossing(**other: Any) -> Crossing:
    """Return the crossing of the threshold 200,000 in the province."""
    fields: dict[str, Any] = {
        "scope": "all",
        "region": "31",
        "rule": "province-target",
        "measure": "registered",
        "threshold": 200_000,
        "epoch": "ever",
        "number": 1,
        "value": 200_013,
        "count": 200_013,
        "cut": "7.1203",
        "as_of": AS_OF,
    }
    return Crossing(**(fields | other))


def evidence(**other: Any) -> AlertEvidence:
    """Return the evidence of an alert for the crossing of 200,000 in the province."""
    fields: dict[str, Any] = {
        "id": uuid.UUID("11111111-1111-5111-8111-111111111111"),
        "crossing_id": uuid.UUID("22222222-2222-5222-8222-222222222222"),
        "scope": "all",
        "region": "31",
        "rule": "province-target",
        "measure": "registered",
        "threshold": 200_000,
        "epoch": "ever",
        "epoch_name": "ever",
        "value": 200_013,
        "count": 200_013,
        "percent": 100,
        "target": 200_000,
        "cut": "7.1203",
        "as_of": AS_OF,
        "crossed_at": AS_OF,
    }
    return AlertEvidence(**(fields | other))


def attempt(
    *alerts: AlertEvidence, channel: Channel = Channel.EMAIL, number: int = 1, repeated: bool = False
) -> Attempt:
    """Return an attempt to send these alerts, or one sample alert if there are none."""
    message_id = uuid.UUID("33333333-3333-5333-8333-333333333333")
    recipient = "official:governor" if channel is Channel.EMAIL else "webhook:control-room"
    alerts = alerts or (evidence(),)
    return Attempt(
        message_id, number, channel, recipient, alerts, repeated, False, AS_OF, Series(number), AS_OF
    )


def official(id: str = "governor", **other: Any) -> Recipient:  # noqa: A002 - the field's name
    """Return an official who receives the province's alerts."""
    fields: dict[str, Any] = {
        "channel": Channel.EMAIL,
        "regions": frozenset({"31"}),
        "role": {"id": "Gubernur DKI Jakarta", "en": "Governor of DKI Jakarta"},
        "address": "gubernur@example.org",
    }
    return Recipient(id=f"official:{id}", **(fields | other))


def webhook(id: str = "control-room", **other: Any) -> Recipient:  # noqa: A002 - the field's name
    """Return a webhook that receives the alerts of all regions in the province."""
    fields: dict[str, Any] = {"channel": Channel.WEBHOOK, "within": ("31",), "endpoint": id}
    return Recipient(id=f"webhook:{id}", **(fields | other))
