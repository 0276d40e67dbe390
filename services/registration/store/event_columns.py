"""How events are sent to the database: a column each, as an array literal, their texts one a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from registration.store import array_literals


def columns(
    partitions: Sequence[int], *, ids: str, participants: str, types: Sequence[str], texts: Sequence[str]
) -> dict[str, str]:
    """Events in the order in which they get their sequences; `ids` and `participants` are literals already.

    A text has its placeholders (`events.text_of`), and no line break.
    """
    counts: Counter[int] = Counter()
    places = []
    for partition in partitions:
        counts[partition] += 1
        places.append(counts[partition])
    raised = sorted(counts)
    return {
        "raised_partitions": array_literals.numbers(raised),
        "raised_by": array_literals.numbers([counts[partition] for partition in raised]),
        "partitions": array_literals.numbers(partitions),
        "places": array_literals.numbers(places),
        "event_ids": ids,
        "event_participants": participants,
        "types": array_literals.texts(types),
        "texts": "\n".join(texts),
    }
