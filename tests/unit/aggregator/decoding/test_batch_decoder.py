"""Selecting the compiled or the pure Python decoder."""

from __future__ import annotations

import pytest

from aggregator.decoding.batch_decoder import decode_events
from aggregator.decoding.decoder_selection import (
    CompiledDecoderMissingError,
    compiled_decoder,
    select_decoder,
)
from deploy.local.decoder_build import can_compile


def not_built() -> None:
    """Build no compiled decoder."""


def test_without_a_compiled_decoder_pure_python_is_selected() -> None:
    assert select_decoder("auto", not_built) is decode_events
    assert select_decoder("off", not_built) is decode_events


def test_requiring_a_missing_compiled_decoder_raises() -> None:
    with pytest.raises(CompiledDecoderMissingError, match="AGGREGATOR_COMPILED is on"):
        select_decoder("on", not_built)


def test_the_compiled_decoder_is_built_if_a_compiler_exists() -> None:
    assert compiled_decoder() is not None or not can_compile()
