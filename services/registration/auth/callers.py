"""Callers of the API and their roles."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec

from registration.domain.participant import PUBLIC_CHANNEL


class Role(IntEnum):
    """The role of an API key. A higher role has all rights of the lower roles."""

    BOOTH = 1
    OFFICER = 2
    ADMIN = 3

    @property
    def stored_name(self) -> str:
        """The role's name in lower case, as the database and the command line have it."""
        return self.name.lower()


class Caller(msgspec.Struct, frozen=True):
    """The holder of an API key, or the public. The public has no API key, and its role is None."""

    id: str
    role: Role | None

    @property
    def channel(self) -> str:
        """The channel of the caller's events: `booth`, `officer`, `admin` or `web`."""
        return self.role.stored_name if self.role is not None else PUBLIC_CHANNEL


PUBLIC: Final = Caller("public", None)
