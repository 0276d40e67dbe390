"""Which partition a participant's events lie in, for good."""

from __future__ import annotations

from typing import Final
from uuid import UUID

PARTITIONS: Final = 12


def partition_of(participant_id: UUID) -> int:
    """The id's last four bytes, big-endian, modulo 12."""
    return (participant_id.int & 0xFFFFFFFF) % PARTITIONS
