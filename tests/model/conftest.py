"""Fixtures of the model's tests: a stepping event loop, and disabled logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.model.stepping_loop import SteppingLoop, stepping_loop


@pytest.fixture(scope="module")
def loop() -> SteppingLoop:
    """An event loop that runs only while a process of the model advances to its next interruption point."""
    return stepping_loop()


@pytest.fixture(autouse=True, scope="module")
def _no_logs() -> Iterator[None]:
    """Disable logs, because logging a step takes longer than the step."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
