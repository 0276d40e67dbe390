"""The model's invariants hold for random programs, in which processes fail and die at any point."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from tests.model.random_programs import Step, programs, run
from tests.model.stepping_loop import SteppingLoop
from tests.model.system_model import SystemModel

# 1,500 programs take about ten seconds; MODEL_PROGRAMS=50000 runs more.
PROGRAMS = int(os.environ.get("MODEL_PROGRAMS", "1500"))


@settings(max_examples=PROGRAMS, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_the_invariants_hold_whatever_fails_or_dies(loop: SteppingLoop, program: list[Step]) -> None:
    run(program, SystemModel, loop)
