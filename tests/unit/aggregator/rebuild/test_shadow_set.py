"""Tests which sequences a rebuild must reach before its tallies become live."""

from __future__ import annotations

from aggregator.rebuild.shadow_set import RegisterEpoch, ShadowSet
from aggregator.tallies.tally_store import PartitionPosition


def _shadow(positions: list[int], register_epoch: RegisterEpoch | None = None) -> ShadowSet:
    held = {partition: PartitionPosition(2, position, 0) for partition, position in enumerate(positions)}
    return ShadowSet(2, 1, live_epoch=1, register_epoch=register_epoch, positions=held)


def test_within_an_epoch_the_live_positions_are_required() -> None:
    shadow = _shadow([3, 0])

    required = shadow.required({0: 5, 1: 2})

    assert (shadow.epoch, required, shadow.behind(required)) == (1, {0: 5, 1: 2}, 4)


def test_a_new_epoch_requires_the_sequences_that_the_register_had_and_not_the_live_positions() -> None:
    shadow = _shadow([3, 0], RegisterEpoch(2, (4, 1)))

    required = shadow.required({0: 900, 1: 900})

    assert (shadow.epoch, required, shadow.behind(required)) == (2, {0: 4, 1: 1}, 2)
    assert shadow.missing(required) == "partition 0 lacks sequence 4; partition 1 lacks sequence 1"


def test_an_empty_set_may_not_become_live_while_the_register_has_events() -> None:
    shadow = _shadow([0, 0], RegisterEpoch(2, (0, 1)))

    assert shadow.behind(shadow.required({0: 0, 1: 0})) == 1
