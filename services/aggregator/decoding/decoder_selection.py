"""Selects the compiled or the pure Python decoder, and installs the matching patch of aiokafka.

The compiled decoder exists if `make setup` found a C compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from aggregator.decoding.aiokafka_fetcher_patch import RecordRun, RunType, patch_fetcher
from aggregator.decoding.batch_decoder import Decode, decode_events

CompiledMode = Literal["auto", "off", "on"]


class CompiledDecoderMissingError(RuntimeError):
    """The setting requires the compiled decoder, but it is not built.

    Run `make setup` on a machine with a C compiler, or set AGGREGATOR_COMPILED to `auto` or `off`.
    """


def compiled_decoder() -> Decode | None:
    """Create a compiled decoder; None if it is not built for this machine."""
    try:
        from aggregator.decoding.compiled.decoder import Decoder
    except ImportError:
        return None
    return Decoder()


def install_decoder(mode: CompiledMode) -> Decode:
    """Select the decoder, and make all consumers of this process return runs of the type that it decodes.

    Call it before the first fetch, and only in processes that never read single records from a consumer.
    Raises CompiledDecoderMissingError if the mode requires a compiled decoder and none is built.
    """
    decode = select_decoder(mode)
    run_type: RunType = RecordRun
    if decode is not decode_events:
        from aggregator.decoding.compiled.record_batch_bytes import (
            ByteRun,  # importable only if the compiled decoder is built
        )

        run_type = ByteRun
    patch_fetcher(run_type)
    return decode


def select_decoder(mode: CompiledMode, build: Callable[[], Decode | None] = compiled_decoder) -> Decode:
    """Select the decoder; `build` returns a compiled decoder or None. Raises CompiledDecoderMissingError."""
    compiled = None if mode == "off" else build()
    if mode == "on" and compiled is None:
        raise CompiledDecoderMissingError("AGGREGATOR_COMPILED is on, but the compiled decoder is not built")
    return compiled or decode_events
