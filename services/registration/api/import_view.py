"""An import as the API shows it, without its caller and with sentences."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from registration.imports.file_messages import NoteView, hold_message, note_views
from registration.imports.store import ImportProgress, ImportState, ImportStatus
from registration.imports.undo import KeptParticipant


class KeptParticipants(msgspec.Struct, frozen=True):
    """How many participants an undo keeps because they have changed, and the first of them by id."""

    count: int
    participants: list[KeptParticipant]


class Sentence(msgspec.Struct, frozen=True):
    """A sentence in Indonesian and English."""

    id: str
    en: str


class ImportView(ImportProgress, frozen=True, kw_only=True):
    """The status of an import. A held import has an `explanation`, an undone import what was `kept`."""

    notes: list[NoteView]
    kept: KeptParticipants | UnsetType = UNSET
    explanation: Sentence | UnsetType = UNSET


def import_view(status: ImportStatus, kept: KeptParticipants | UnsetType = UNSET) -> ImportView:
    """Return the view of an import."""
    held = status.state is ImportState.HELD
    return ImportView(
        **{field: getattr(status, field) for field in ImportProgress.__struct_fields__},
        notes=note_views(status.notes),
        kept=kept,
        explanation=Sentence(*hold_message(status.fault)) if held else UNSET,
    )
