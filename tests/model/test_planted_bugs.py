"""The model finds each of eight planted bugs."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings

from aggregator.decoding import batch_decoder
from aggregator.decoding.batch_decoder import EventBatch
from faults.planted.patches import Patch, patched
from tests.model.invariants import InvariantViolatedError
from tests.model.planted_bugs import BUGS, Bug
from tests.model.random_programs import Step, programs, run
from tests.model.stepping_loop import SteppingLoop

PROGRAMS_MAX = 400


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_the_model_finds_a_planted_bug(bug: Bug, loop: SteppingLoop) -> None:

    @settings(
        max_examples=PROGRAMS_MAX,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        report_multiple_bugs=False,
    )
    @given(program=programs)
    def every_invariant_holds(program: list[Step]) -> None:
        run(program, bug.system_type, loop)

    with (
        patched([Patch(batch_decoder, "fold", bug.fold, EventBatch.fold)]),
        pytest.raises(InvariantViolatedError),
    ):
        every_invariant_holds()
