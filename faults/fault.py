"""What a fault is."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from faults.system_under_test import World

Inflict = Callable[[World, random.Random], Awaitable[int]]
"""Breaks something and lifts it again; how many processes it killed."""


@dataclass(frozen=True)
class Fault:
    """One way to break the system."""

    kind: str
    """The line of the report it counts under."""
    name: str
    inflict: Inflict
    needs: frozenset[str] = frozenset()
    """What it takes hold of: two faults that share something are not paired."""
