"""Everything is counted again beside the live counts, and swapped in, while people register."""

from __future__ import annotations

import pytest

from tests.support.deadlines import until
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def test_a_rebuild_under_load_never_shows_a_lower_count_and_ends_exact(
    counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    async with crowd:
        await until(lambda: len(crowd.accepted) > 200)
        await counting.command("aggregator", "rebuild")
        before = len(crowd.accepted)
        await until(lambda: len(crowd.accepted) > before + 100)

    await witness.sees_exactly(crowd.accepted)
