"""The least of an event that a counter must read, as one key."""

from __future__ import annotations

import msgspec


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Who counts where."""

    region: str
    agency: str | None
    campaign: str | None

    @property
    def key(self) -> str:
        """As rivals report it."""
        return f"{self.region}|{self.agency or ''}|{self.campaign or ''}"


class Change(msgspec.Struct, frozen=True, gc=False):
    """Before and after."""

    before: Standing | None
    after: Standing | None


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event, as far as it is read."""

    data: Change


decode = msgspec.json.Decoder(Event).decode
