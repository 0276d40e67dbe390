"""The shapes of the notifier's responses, for its OpenAPI document; `notifier.store` writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

ChannelName = Literal["email", "webhook"]
# A message that was merged into another has no alerts any more.
StateName = Literal["intent", "held", "sending", "retry", "delivered", "dead", "unconfirmed", "discarded"]


class CrossingView(BaseModel):
    """The threshold that was reached, with its evidence."""

    id: UUID
    scope: str
    region: str
    rule: str
    measure: str
    threshold: int
    epoch: str
    value: int
    count: int
    percent: int | None
    target: int | None
    cut: str
    as_of: datetime
    crossed_at: datetime
    state: Literal["crossed", "retracted"]


class AttemptView(BaseModel):
    """An attempt to send a message; `reason` says how it ended, and `receipt` what the receiver replied."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    receipt: dict[str, Any]


class AlertView(BaseModel):
    """The alert of one official or webhook about one crossing, with the attempts to deliver it."""

    id: UUID
    recipient: str
    channel: ChannelName
    state: StateName
    reason: str | None
    created_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    message_id: UUID
    crossing: CrossingView
    attempts: list[AttemptView]


class AlertsView(BaseModel):
    """A page of alerts, the newest first. `next` is `before` of the next page; null on the last."""

    alerts: list[AlertView]
    next: int | None


class SilenceView(BaseModel):
    """A silence: matching alerts are held back until it ends. A field that is null matches all values."""

    id: UUID
    recipient: str | None
    region: str | None
    rule: str | None
    until: datetime
    reason: str
    created_at: datetime


class SilencesView(BaseModel):
    """The silences that have not ended; the silence that ends next comes first."""

    silences: list[SilenceView]


class DeadMessageView(BaseModel):
    """A message that was given up, with the receipt of its last attempt."""

    id: UUID
    recipient: str
    channel: ChannelName
    state: Literal["dead", "unconfirmed"]
    reason: str | None
    receipt: dict[str, Any]
    alerts: int
    attempts: int
    created_at: datetime
    ended_at: datetime
    next_recipient: str | None


class DeadMessagesView(BaseModel):
    """The messages that were given up, the oldest first."""

    messages: list[DeadMessageView]
