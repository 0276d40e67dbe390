"""How events are sent to the database: a column each, as an array literal, their texts one a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from registration import literals


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
        "raised_partitions": literals.numbers(raised),
        "raised_by": literals.numbers([counts[partition] for partition in raised]),
        "partitions": literals.numbers(partitions),
        "places": literals.numbers(places),
        "event_ids": ids,
        "event_participants": participants,
        "types": literals.texts(types),
        "texts": "\n".join(texts),
    }
