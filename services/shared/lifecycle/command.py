"""Runs the coroutine of an operator's command."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from settings.configuration_error import exit_on_configuration_error

T = TypeVar("T")


def run_command(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`. After a ConfigurationError, print its message and exit with code 1."""
    with exit_on_configuration_error():
        return asyncio.run(work)
