"""Selecting the compiled or the pure Python decoder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from aggregator.decoding import compiled
from aggregator.decoding.aiokafka_fetcher_patch import RecordRun
from aggregator.decoding.batch_decoder import decode_batch
from aggregator.decoding.decoder_selection import (
    CompiledDecoderMissingError,
    Decoder,
    DecoderReason,
    compiled_decoder,
    python_decoder,
    select_decoder,
)


def not_built() -> Decoder:
    return python_decoder(DecoderReason.NOT_BUILT)


def stale() -> Decoder:
    return python_decoder(DecoderReason.STALE)


def test_without_a_compiled_decoder_pure_python_is_selected() -> None:
    selected = select_decoder("auto", not_built)

    assert (selected.decode, selected.run_type, selected.name) == (decode_batch, RecordRun, "python")
    assert selected.reason is DecoderReason.NOT_BUILT


def test_a_compiled_decoder_can_be_switched_off() -> None:
    assert (select_decoder("off").decode, select_decoder("off").reason) == (decode_batch, DecoderReason.OFF)


@pytest.mark.parametrize("build", [not_built, stale])
def test_requiring_a_compiled_decoder_that_cannot_be_used_raises(
    build: Callable[[], Decoder],
) -> None:
    with pytest.raises(CompiledDecoderMissingError, match="AGGREGATOR_COMPILED is on"):
        select_decoder("on", build)


@pytest.mark.needs("cc")
def test_the_compiled_decoder_is_selected_if_it_is_built() -> None:
    for mode in ("auto", "on"):
        assert (select_decoder(mode).name, select_decoder(mode).reason) == ("compiled", DecoderReason.BUILT)


@pytest.mark.needs("cc")
def test_a_decoder_that_was_built_from_other_sources_is_stale() -> None:
    found = compiled_decoder(digest=lambda: "0" * 16)

    assert (found.decode, found.reason) == (decode_batch, DecoderReason.STALE)


def test_a_decoder_whose_modules_are_missing_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(f"{compiled.__name__}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(compiled, "__path__", [])

    found = compiled_decoder()

    assert (found.decode, found.reason) == (decode_batch, DecoderReason.NOT_BUILT)


def test_a_decoder_of_a_version_without_digest_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    older = ModuleType(f"{compiled.__name__}.decoder")
    monkeypatch.setitem(sys.modules, older.__name__, older)

    found = compiled_decoder()

    assert (found.decode, found.reason) == (decode_batch, DecoderReason.STALE)
