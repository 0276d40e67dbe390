"""Encodes columns as PostgreSQL array literals, for statements that write many rows at once.

If the driver is given a list, it inspects each element. That costs nearly as much as all other work for a row
(measured). An array literal is a single text for the driver, and the server parses it. Source:
PostgreSQL 18, sections 8.15.2 (array input) and 8.4.1 (bytea).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

EMPTY: Final = "{}"


def integers(values: Iterable[int | None]) -> str:
    """Encode integers as an array literal. None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def booleans(values: Iterable[bool]) -> str:
    """Encode booleans as an array literal."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def texts(values: Sequence[str | None]) -> str:
    """Encode texts, quoted and escaped, as an array literal. None becomes NULL."""
    if values and values.count(values[0]) == len(values):  # true for most columns of a batch
        return "{" + ",".join(_elements(values[:1]) * len(values)) + "}"
    return "{" + ",".join(_elements(values)) + "}"


def _elements(values: Sequence[str | None]) -> list[str]:
    joined = "".join(filter(None, values))
    if '"' in joined or "\\" in joined:
        values = [value and value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return ["NULL" if value is None else f'"{value}"' for value in values]


def uuids(values: Iterable[UUID | None]) -> str:
    """Encode UUIDs, without hyphens, as an array literal. None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else f"{value.int:032x}" for value in values]) + "}"


def byteas(values: Iterable[bytes | None]) -> str:
    """Encode byte strings, in hexadecimal, as an array literal. None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]) + "}"


def times(values: Iterable[datetime | None]) -> str:
    """Encode times as an array literal. None becomes NULL."""
    return texts([None if value is None else value.isoformat() for value in values])


def joined_texts(values: Iterable[Sequence[str]]) -> str:
    """Encode lists of texts as an array literal. A list becomes one text, in which commas separate its texts.

    No text may contain a comma.
    """
    return texts([",".join(value) for value in values])


def event_columns(
    partitions: Sequence[int],
    *,
    ids: str,
    participants: str,
    types: Sequence[str],
    event_texts: Sequence[str],
) -> dict[str, str]:
    """Return the columns of new events. In each partition, the events get their sequences in the given order.

    `ids` and `participants` are array literals already. Each of the `event_texts` contains two placeholders
    (see `domain.cloud_event.event_text`) and no line break. The result also lists the distinct partitions in
    ascending order, and the number of events in each of them.
    """
    counts: Counter[int] = Counter()
    ordinals = []
    for partition in partitions:
        counts[partition] += 1
        ordinals.append(counts[partition])
    distinct = sorted(counts)
    return {
        "locked_partitions": integers(distinct),
        "event_counts": integers([counts[partition] for partition in distinct]),
        "partitions": integers(partitions),
        "ordinals": integers(ordinals),
        "event_ids": ids,
        "event_participants": participants,
        "types": texts(types),
        "texts": "\n".join(event_texts),
    }
