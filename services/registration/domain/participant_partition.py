"""Computes the partition of a participant's events. A participant's partition never changes."""

from __future__ import annotations

from typing import Final
from uuid import UUID

PARTITIONS: Final = 12


def partition_of(participant_id: UUID) -> int:
    """Return the partition: the last four bytes of the id as a big-endian number, modulo 12."""
    return (participant_id.int & 0xFFFFFFFF) % PARTITIONS
