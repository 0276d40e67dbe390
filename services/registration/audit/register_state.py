"""The record that tells all readers once a second where the register stands: `register-state`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from registration.audit.lag import Lag
from registration.audit.tallies import Difference
from registration.domain.event import utc_text

TOPIC: Final = "register-state"
KEY: Final = b"state"


class AuditResult(msgspec.Struct, frozen=True):
    """The last audit: which cut ("term.cut"), and how far it is off."""

    cut: str
    drift: int
    checked_at: str
    duration_ms: int
    differences: tuple[Difference, ...]


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
    lag: _Lag
    refused: str | None
    relay_alive: bool


class RegisterSnapshot(msgspec.Struct, frozen=True):
    """Where the register stands at `time`, read in one statement."""

    time: datetime
    last_sequence: Sequence[int]
    published: Sequence[int]
    epoch: int
    refused: str | None
    relay_alive: bool


_encoder = msgspec.json.Encoder()


def encode(
    term: int, register: RegisterSnapshot, audit: AuditResult | None, lag: Lag, refused: str | None
) -> bytes:
    """One value of the topic. `refused` is the register's own reason or the audit's."""
    return _encoder.encode(
        _State(
            time=utc_text(register.time),
            term=term,
            epoch=register.epoch,
            last_sequence=register.last_sequence,
            published=register.published,
            audit=audit,
            lag=_Lag(lag.events, round(lag.standing_s, 1)),
            refused=refused,
            relay_alive=register.relay_alive,
        )
    )
