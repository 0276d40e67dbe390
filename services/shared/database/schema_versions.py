"""Which versions of its schema a service can work with, from the file names of its migrations.

A migration is named v0014_<what>.py. If it removes or narrows what the former version of the service uses, it
is a contraction and is named v0014_contract_<what>.py. All other migrations are expansions, after which the
former version still works.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

FILE: Final = re.compile(r"v(?P<revision>\d{4})_(?P<contract>contract_)?\w+\.py")


@dataclass(frozen=True)
class Migration:
    """A migration: its revision of four digits, and whether it is a contraction."""

    revision: str
    is_contraction: bool

    @classmethod
    def from_file_name(cls, name: str) -> Self:
        """Return the migration in a file of this name."""
        match = FILE.fullmatch(name)
        assert match is not None, f"{name} is not named as a migration"
        return cls(match["revision"], match["contract"] is not None)


@dataclass(frozen=True)
class StoredVersion:
    """The revision of the schema in the database and its newest contraction, each empty if there is none."""

    revision: str
    contraction: str


def read_migrations(service: str) -> list[Migration]:
    """Return the migrations of a service in their order."""
    folder = Path(str(files(service))) / "migrations" / "versions"
    return [Migration.from_file_name(path.name) for path in sorted(folder.glob("v*.py"))]


def next_revision(migrations: Sequence[Migration], stored: str, contract: bool) -> str | None:
    """Return the revision up to which to migrate a schema at the revision `stored`; None if it is up to date.

    An empty schema is migrated to the newest revision. All others stop before the first contraction, unless
    `contract` is set, because processes of the former version may still run.
    """
    pending = [migration for migration in migrations if migration.revision > stored]
    if stored and not contract:
        first = next((n for n, migration in enumerate(pending) if migration.is_contraction), len(pending))
        pending = pending[:first]
    return pending[-1].revision if pending else None


def refusal(service: str, migrations: Sequence[Migration], stored: StoredVersion) -> str | None:
    """Return why this version of the service cannot work with the schema, and the remedy; None if it can."""
    needed = max(migration.revision for migration in migrations if not migration.is_contraction)
    if stored.revision < needed:
        return (
            f"the schema {service} is at revision {stored.revision or 'none'}, and this version needs "
            f"{needed}: run `{service} migrate` of this version first"
        )
    known = {migration.revision for migration in migrations if migration.is_contraction}
    if stored.contraction and stored.contraction not in known:
        return (
            f"the schema {service} lacks what this version uses, because migration {stored.contraction} of a "
            "newer version removed it: start the newer version"
        )
    return None
