"""Counts events with Quix Streams, which keeps its state per partition in RocksDB.

Quix Streams keeps state per message key. One constant key for all messages avoids the second topic that
grouping by region would need, and so halves the work of Quix Streams. The program runs in the
virtual environment that `make rivals` creates.
"""

from __future__ import annotations

from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.models import Deserializer

from bench.rivals.throughput_report import FOLDER, GROUP, SERVERS, TOPIC, Progress


class ConstantKey(Deserializer):  # type: ignore[misc]  # quixstreams is not installed where mypy runs
    """Gives every message the same key."""

    def __call__(self, value: bytes, ctx: Any) -> str:
        return "all"


def run() -> None:
    """Count until the measurement ends this process."""
    latest: dict[tuple[int, str], int] = {}
    progress = Progress(lambda: _summed(latest))
    app = Application(
        broker_address=SERVERS,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        state_dir=FOLDER,
        loglevel="WARNING",
        auto_create_topics=True,
    )

    def add(state: State, standing: dict[str, Any], change: int) -> None:
        key = f"{standing['region']}|{standing['agency'] or ''}|{standing['campaign'] or ''}"
        count = state.get(key, 0) + change
        state.set(key, count)
        latest[message_context().partition, key] = count

    def count(value: dict[str, Any], state: State) -> None:
        before, after = value["data"]["before"], value["data"]["after"]
        if before is not None:
            add(state, before, -1)
        if after is not None:
            add(state, after, 1)
        progress.add(1)

    frame = app.dataframe(app.topic(TOPIC, key_deserializer=ConstantKey(), value_deserializer="json"))
    frame.update(count, stateful=True)
    app.run()


def _summed(latest: dict[tuple[int, str], int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (_, key), count in latest.items():
        counts[key] = counts.get(key, 0) + count
    return counts


if __name__ == "__main__":
    run()
