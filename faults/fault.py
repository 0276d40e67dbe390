"""The type of a fault: its name, how it is injected, and the resources it uses."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from faults.running_system.system_under_test import SystemUnderTest

Inject = Callable[[SystemUnderTest, random.Random], Awaitable[int]]
"""Breaks something and repairs it; returns the number of killed processes."""


@dataclass(frozen=True)
class Fault:
    """One way to break the system."""

    kind: str
    """The line of the report under which it is counted."""
    name: str
    inject: Inject
    resources: frozenset[str] = frozenset()
    """What it breaks or needs: two faults that share a resource are not paired."""
