"""What the model's tests share: an event loop that is driven by hand, and no logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.model.stepping_loop import SteppingLoop, stepping_loop


@pytest.fixture(scope="module")
def loop() -> SteppingLoop:
    """A loop that runs only while a process goes from one point to the next."""
    return stepping_loop()


@pytest.fixture(autouse=True, scope="module")
def _no_logs() -> Iterator[None]:
    """The product logs each step, which costs more than the step."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
