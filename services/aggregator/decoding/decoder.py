"""How fetched records become what can be folded, and which of two ways does it: pure Python, or compiled.

Both give the same results. The compiled one is there where `make setup` found a C compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from aggregator.decoding.aiokafka_patch import Records, RunType, hand_over_runs
from aggregator.domain.counting import Fold, fold
from aggregator.domain.event import Placed, Record, StrayRecord, read_batch

Wish = Literal["auto", "off", "on"]


class CompiledDecoderMissingError(RuntimeError):
    """The compiled step is asked for and not built: run `make setup` where `cc` is, or do not ask for it."""


class DecodedBatch(Protocol):
    """The decoded records of one partition."""

    @property
    def strays(self) -> Sequence[StrayRecord]:
        """The records without a place in the sequence."""

    def fold(self, position: int, set_aside: Collection[int] = ()) -> Fold:
        """What its events come to from a position on, as `counting.fold`; as often as wanted."""


class Decode(Protocol):
    """Decodes the records of one partition. They may be the runs that `unpacking` hands over."""

    def __call__(self, records: Collection[Record], partition: int) -> DecodedBatch:
        """Decode; never raises for what a record holds."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """A batch as events in Python."""

    events: Sequence[Placed]
    strays: Sequence[StrayRecord]

    def fold(self, position: int, set_aside: Collection[int] = ()) -> Fold:
        """What its events come to from a position on."""
        return fold(position, self.events, set_aside)


def decode_events(records: Collection[Record], partition: int) -> EventBatch:
    """Decode in pure Python."""
    return EventBatch(*read_batch(records, partition))


def compiled_decoder() -> Decode | None:
    """A new decoder of the compiled step, None where that is not built."""
    try:
        from aggregator.decoding.compiled.decoder import Decoder
    except ImportError:  # not built, or built for another machine
        return None
    return Decoder()


def install_decoder(wish: Wish) -> Decode:
    """The way to decode; all consumers of this process hand over what goes with it.

    Call before the first of them fetches, where none is iterated record by record.
    Raises CompiledDecoderMissingError.
    """
    decode = select_decoder(wish)
    run_type: RunType = Records
    if decode is not decode_events:
        from aggregator.decoding.compiled.record_batches import (
            ByteRun,  # there only where the compiled step is built
        )

        run_type = ByteRun
    hand_over_runs(run_type)
    return decode


def select_decoder(wish: Wish, build: Callable[[], Decode | None] = compiled_decoder) -> Decode:
    """The way to decode. Raises CompiledDecoderMissingError."""
    compiled = None if wish == "off" else build()
    if wish == "on" and compiled is None:
        raise CompiledDecoderMissingError("AGGREGATOR_COMPILED is on, and the compiled step is not built")
    return compiled or decode_events
