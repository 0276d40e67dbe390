"""The records of the topic `register-state`: positions, lag, last audit, and whether the relay is alive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from registration.audit.lag import Lag
from registration.audit.tallies import Difference
from registration.domain.cloud_event import utc_text

TOPIC: Final = "register-state"
KEY: Final = b"state"


class AuditResult(msgspec.Struct, frozen=True):
    """The result of an audit.

    `cut` is the id of the cut in the form "term.number". A `drift` of 0 means that the cut is exact. `age_s`
    is the time since the end of the audit, so that readers need not compare `checked_at` with their clock.
    """

    cut: str
    drift: int
    checked_at: str
    duration_ms: int
    differences: tuple[Difference, ...]
    age_s: float = 0.0


class AuditState(msgspec.Struct, frozen=True):
    """The outcome of the newest attempt to audit, and the last result; None if no result is valid."""

    outcome: str
    result: AuditResult | None


class GrowthAudit(msgspec.Struct, frozen=True):
    """The result of the audit of growth: the newest compared minute, and the drift of all minutes."""

    minute: str
    drift: int
    checked_at: str


class _Lag(msgspec.Struct):
    events: int
    standing_s: float


class _State(msgspec.Struct):
    time: str
    term: int
    epoch: int
    last_sequence: Sequence[int]
    published: Sequence[int]
    audit: AuditResult | None
    audit_outcome: str
    growth_audit: GrowthAudit | None
    lag: _Lag
    refused: str | None
    relay_alive: bool


class RegisterSnapshot(msgspec.Struct, frozen=True):
    """The state of the register at `time`, read in one statement."""

    time: datetime
    last_sequence: Sequence[int]
    published: Sequence[int]
    epoch: int
    refused: str | None
    relay_alive: bool


_encoder = msgspec.json.Encoder()


def encode(
    term: int,
    register: RegisterSnapshot,
    audits: tuple[AuditState, GrowthAudit | None],
    lag: Lag,
    refused: str | None,
) -> bytes:
    """Encode the value of a record. `audits`: the results for the counts and for the growth.

    `refused` is the relay's reason not to publish, or the audit's reason not to audit the cut; None if
    neither refuses.
    """
    return _encoder.encode(
        _State(
            time=utc_text(register.time),
            term=term,
            epoch=register.epoch,
            last_sequence=register.last_sequence,
            published=register.published,
            audit=audits[0].result,
            audit_outcome=audits[0].outcome,
            growth_audit=audits[1],
            lag=_Lag(lag.events, round(lag.unmoved_s, 1)),
            refused=refused,
            relay_alive=register.relay_alive,
        )
    )
