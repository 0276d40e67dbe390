"""Decodes only the fields of an event that a counter needs."""

from __future__ import annotations

import msgspec


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What is counted of a participant."""

    region: str
    agency: str | None
    campaign: str | None

    @property
    def key(self) -> str:
        """Return the key "region|agency|campaign" of a rival's report."""
        return f"{self.region}|{self.agency or ''}|{self.campaign or ''}"


class Change(msgspec.Struct, frozen=True, gc=False):
    """The standing before and after an event; None if the participant has no standing then."""

    before: Standing | None
    after: Standing | None


class Event(msgspec.Struct, frozen=True, gc=False):
    """The fields of an event that are decoded."""

    data: Change


decode = msgspec.json.Decoder(Event).decode
