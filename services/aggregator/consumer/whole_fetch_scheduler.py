"""Delivers each fetch as one Faust message: the class that Faust's setting `ConsumerScheduler` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from faust.types import TP
from faust.types.transports import SchedulingStrategyT

from aggregator.domain.event import Record

Fetch = Mapping[TP, Sequence[Record]]
"""The records of one fetch per partition. No partition's records are empty."""

NUMBER_MIN: Final = 1 << 62
"""The number of the first fetch. It is above every offset in Kafka; see `FetchMessage`."""


@dataclass(frozen=True, slots=True)
class FetchMessage:
    """A fetch, with the attributes of a record that Faust reads.

    Faust drops a message whose offset is below the offsets that it has read. A fetch after a seek back must
    not be dropped, so `offset` is the number of the fetch, which only rises. `topic` and `partition` are
    those of any partition of the fetch, because Faust requires one.
    """

    topic: str
    partition: int
    offset: int
    value: Fetch
    timestamp: int = 0
    timestamp_type: int = 0
    headers: None = None
    key: None = None
    checksum: None = None
    serialized_key_size: int = 0
    serialized_value_size: int = 0


class FetchScheduler(SchedulingStrategyT):
    """Delivers all records of a fetch as one message, where Faust's scheduler delivers one per record.

    Faust creates four tasks per message.
    """

    def __init__(self) -> None:
        self._numbers = count(NUMBER_MIN)

    def iterate(self, records: Mapping[TP, Sequence[Record]]) -> Iterator[tuple[TP, Any]]:
        """Yield one message with all records, or none if there are no records."""
        fetch = {tp: batch for tp, batch in records.items() if batch}
        if fetch:
            tp = next(iter(fetch))
            yield tp, FetchMessage(tp.topic, tp.partition, next(self._numbers), fetch)
