"""Thousands of programs of fifty steps: whatever fails and dies in between, the number stays true."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from tests.model.random_programs import Step, programs, run
from tests.model.stepping_loop import SteppingLoop
from tests.model.system_model import World

# Some ten seconds; MODEL_PROGRAMS=50000 looks longer.
PROGRAMS = int(os.environ.get("MODEL_PROGRAMS", "1500"))


@settings(max_examples=PROGRAMS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_whatever_fails_and_dies_in_between_the_number_stays_true(
    loop: SteppingLoop, program: list[Step]
) -> None:
    run(program, World, loop)
