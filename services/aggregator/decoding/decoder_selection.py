"""Selects the compiled or the pure Python decoder, and installs the matching patch of aiokafka.

The compiled decoder exists in the container image, and where `make setup` found a C compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Literal

from aggregator.decoding.aiokafka_fetcher_patch import RecordRun, RunType, patch_fetcher
from aggregator.decoding.batch_decoder import Decode, decode_batch
from aggregator.decoding.compiled import source_digest
from aggregator.metrics import DECODER
from telemetry.logs import get

log = get()

CompiledMode = Literal["auto", "off", "on"]


class DecoderReason(Enum):
    """Why a process uses its decoder."""

    BUILT = "built"
    """The compiled decoder is built from the sources of this version."""
    OFF = "off"
    """AGGREGATOR_COMPILED is off."""
    NOT_BUILT = "not_built"
    """The compiled decoder is not built for this Python."""
    STALE = "stale"
    """The compiled decoder is built from the sources of another version."""


class CompiledDecoderMissingError(RuntimeError):
    """The setting requires the compiled decoder, but it is not built or it is stale.

    Run `make setup` on a machine with a C compiler, or set AGGREGATOR_COMPILED to `auto` or `off`.
    """


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder, the type of runs that it decodes, and why it was selected."""

    decode: Decode
    run_type: RunType
    reason: DecoderReason

    @property
    def name(self) -> str:
        """The decoder's name in the log and the metric."""
        return "compiled" if self.reason is DecoderReason.BUILT else "python"


def python_decoder(reason: DecoderReason) -> Decoder:
    """Return the decoder in pure Python."""
    return Decoder(decode_batch, RecordRun, reason)


def compiled_decoder(digest: Callable[[], str] = source_digest) -> Decoder:
    """Return a compiled decoder, or the pure Python decoder if none is built from sources of this digest."""
    try:
        from aggregator.decoding.compiled.byte_run import ByteRun
        from aggregator.decoding.compiled.decoder import BUILT_FROM
        from aggregator.decoding.compiled.decoder import Decoder as CompiledDecoder
    except ModuleNotFoundError:
        return python_decoder(DecoderReason.NOT_BUILT)
    except (ImportError, ValueError):  # a module of an older version, or modules that do not fit each other
        return python_decoder(DecoderReason.STALE)
    if digest() != BUILT_FROM:
        return python_decoder(DecoderReason.STALE)
    decode = partial(decode_batch, fold_run=CompiledDecoder().fold_straight_run)
    return Decoder(decode, ByteRun, DecoderReason.BUILT)


def select_decoder(mode: CompiledMode, build: Callable[[], Decoder] = compiled_decoder) -> Decoder:
    """Select the decoder. Raises CompiledDecoderMissingError."""
    decoder = python_decoder(DecoderReason.OFF) if mode == "off" else build()
    if mode == "on" and decoder.reason is not DecoderReason.BUILT:
        raise CompiledDecoderMissingError(
            f"AGGREGATOR_COMPILED is on, but the compiled decoder is {decoder.reason.value}: run "
            "`make setup` on a machine with a C compiler"
        )
    return decoder


def install_decoder(mode: CompiledMode) -> Decode:
    """Select the decoder, and make all consumers of this process return runs of the type that it decodes.

    Call it before the first fetch, and only in processes that never read single records from a consumer.
    Raises CompiledDecoderMissingError if the mode requires a compiled decoder and none can be used.
    """
    decoder = select_decoder(mode)
    patch_fetcher(decoder.run_type)
    DECODER.labels(decoder.name, decoder.reason.value).set(1)
    if decoder.reason in {DecoderReason.NOT_BUILT, DecoderReason.STALE}:
        log.warning(
            "compiled decoder not used", reason=decoder.reason.value, remedy="make setup, with a C compiler"
        )
    log.info("decoder installed", decoder=decoder.name, reason=decoder.reason.value)
    return decoder.decode
