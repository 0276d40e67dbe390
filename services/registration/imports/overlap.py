"""Decides what a row does if the register already has its person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from registration.domain.commands import RegisterCommand
from registration.domain.decision import Event, Reason, Refused, decide
from registration.domain.participant import Participant
from registration.imports.chunk_encoding import only_event
from registration.imports.row_validation import AcceptedRow, RejectedCell, RowFault

DifferingColumns = Callable[[RegisterCommand, Participant], Sequence[str]]
"""Returns the columns in which a row differs from the participant that the register has."""


class Overlap(NamedTuple):
    """What the valid rows of a chunk do: their events, and the rows that change nothing."""

    events: list[Event]
    unchanged: int
    differing: list[RejectedCell]
    rejected: list[RejectedCell]


def compare_with_register(
    rows: Iterable[AcceptedRow],
    known: Iterable[Participant],
    is_of_earlier_row: Callable[[Participant], bool],
    differing_columns: DifferingColumns,
) -> Overlap:
    """Return what the rows do, given the participants whom the register has under their NIKs.

    If such a participant is withdrawn, the row registers the participant again. If the participant is
    registered, the row changes nothing: it is unchanged, or differs from the register. `is_of_earlier_row`
    says whether an earlier row of the same run registered a participant; then the row is a duplicate.
    """
    by_nik = {participant.person.nik_hmac: participant for participant in known}
    overlap = Overlap([], 0, [], [])
    unchanged = 0
    for row in rows:
        existing = by_nik.get(row.nik_hmac)
        decision = decide(row.command, existing)
        if not isinstance(decision, Refused):
            overlap.events.append(only_event(decision))
            continue
        assert existing is not None, "a new participant is not refused"
        if decision.reason is not Reason.DUPLICATE:
            overlap.rejected.append(RejectedCell(row.row, "nik", decision.reason))
        elif is_of_earlier_row(existing):
            overlap.rejected.append(RejectedCell(row.row, "nik", RowFault.DUPLICATE))
        elif columns := differing_columns(row.command, existing):
            overlap.differing.extend(RejectedCell(row.row, column, RowFault.DIFFERS) for column in columns)
        else:
            unchanged += 1
    return overlap._replace(unchanged=unchanged)
