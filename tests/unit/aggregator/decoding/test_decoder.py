"""Which way to decode is taken."""

from __future__ import annotations

import pytest

from aggregator.decoding.decoder import (
    CompiledDecoderMissingError,
    compiled_decoder,
    decode_events,
    select_decoder,
)
from deploy.local.extension_build import can_compile


def nothing() -> None:
    """No compiled step."""


def test_where_the_compiled_step_is_not_built_the_pure_way_stands_in() -> None:
    assert select_decoder("auto", nothing) is decode_events
    assert select_decoder("off", nothing) is decode_events


def test_one_who_insists_on_the_compiled_step_is_told_that_it_is_missing() -> None:
    with pytest.raises(CompiledDecoderMissingError, match="AGGREGATOR_COMPILED is on"):
        select_decoder("on", nothing)


def test_the_compiled_step_is_built_where_it_can_be() -> None:
    assert compiled_decoder() is not None or not can_compile()
