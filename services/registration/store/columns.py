"""Columns of rows as PostgreSQL array literals: the arguments of statements that write many rows at once.

The driver inspects each element of an array that it sends, which costs nearly as much as everything else done
for a row (measured). A literal is a single text to the driver; the server parses it. Source: PostgreSQL 18,
sections 8.15.2 (array input) and 8.4.1 (bytea).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from registration.domain.participant import Person, Standing

EMPTY: Final = "{}"


def integers(values: Iterable[int | None]) -> str:
    """An array of integers; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Sequence[str | None]) -> str:
    """An array of texts, quoted and escaped; None is NULL."""
    if values and values.count(values[0]) == len(values):  # as in most columns of a batch
        return "{" + ",".join(_elements(values[:1]) * len(values)) + "}"
    return "{" + ",".join(_elements(values)) + "}"


def _elements(values: Sequence[str | None]) -> list[str]:
    joined = "".join(filter(None, values))
    if '"' in joined or "\\" in joined:
        values = [value and value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return ["NULL" if value is None else f'"{value}"' for value in values]


def uuids(values: Iterable[UUID | None]) -> str:
    """An array of UUIDs without hyphens; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else f"{value.int:032x}" for value in values]) + "}"


def byteas(values: Iterable[bytes | None]) -> str:
    """An array of byte strings in hexadecimal; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]) + "}"


def event_columns(
    partitions: Sequence[int],
    *,
    ids: str,
    participants: str,
    types: Sequence[str],
    event_texts: Sequence[str],
) -> dict[str, str]:
    """Columns of new events, in the order in which they get their sequences.

    `ids` and `participants` are array literals already. `event_texts` contain placeholders (see
    `domain.event.event_text`) and no line breaks. The result also lists the partitions of the events,
    ascending, with the number of events of each.
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


def participant_columns(people: Sequence[Person], standings: Sequence[Standing]) -> dict[str, str]:
    """Columns of participants except id, status, revision and NIK fingerprint; arguments in row order."""
    return {
        "nik_ciphers": byteas([person.nik_cipher for person in people]),
        "phone_ciphers": byteas([person.phone_cipher for person in people]),
        "cipher_key_ids": texts([person.cipher_key_id for person in people]),
        "names": texts([person.name for person in people]),
        "businesses": texts([person.business for person in people]),
        "consents": texts([person.consent for person in people]),
        "channels": texts([person.channel for person in people]),
        "booths": texts([person.booth for person in people]),
        "occurred_ats": texts([_isoformat(person.occurred_at) for person in people]),
        "import_ids": texts([person.import_id for person in people]),
        "regions": texts([standing.region for standing in standings]),
        "agencies": texts([standing.agency for standing in standings]),
        "campaigns": texts([standing.campaign for standing in standings]),
        "steps": texts([",".join(standing.steps) for standing in standings]),
    }


def _isoformat(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
