"""The type of a fault: its name, the function that injects it, and the resources that it uses."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from faults.running_system.system_under_test import SystemUnderTest

Inject = Callable[[SystemUnderTest, random.Random], Awaitable[int]]
"""A coroutine function that breaks something, repairs it, and returns the number of killed processes."""


@dataclass(frozen=True)
class Fault:
    """One way to break the system."""

    kind: str
    """The line of the report that counts the fault."""
    name: str
    inject: Inject
    resources: frozenset[str] = frozenset()
    """What the fault breaks or needs. Two faults that share a resource are never injected together."""
    breaks: frozenset[str] | None = None
    """Those of `resources` that do not work while the fault is injected; None means all of them."""

    @property
    def broken(self) -> frozenset[str]:
        """The resources that do not work while the fault is injected."""
        return self.resources if self.breaks is None else self.breaks
