"""One attempt to send a message, with the evidence of each of its alerts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import Series


@dataclass(frozen=True, slots=True)
class AlertEvidence:
    """An alert with the evidence of its crossing, as the e-mail or webhook call states it."""

    id: uuid.UUID
    crossing_id: uuid.UUID
    scope: str
    region: str
    rule: str
    measure: str
    threshold: int
    epoch: str
    epoch_name: str
    value: int
    count: int
    percent: int | None
    target: int | None
    cut: str
    as_of: datetime
    crossed_at: datetime

    @property
    def epoch_label(self) -> str:
        """The epoch, under the name that `Crossing` has for it."""
        return self.epoch


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that the sender may now make, because the attempt is already stored."""

    message_id: uuid.UUID
    number: int
    channel: Channel
    recipient: str
    alerts: tuple[AlertEvidence, ...]
    repeated: bool
    """Whether an earlier attempt ended as ambiguous, so that the recipient may get a repeat."""
    is_disabled: bool
    """Whether the webhook is disabled, so that it must not be called."""
    began_at: datetime
    """The start time by the database's clock."""
    series: Series
    claimed_until: datetime
    """The end of the claim under which the attempt is made, by the database's clock."""
