"""A version of a service works with its own schema and with later expansions, and refuses all others."""

from __future__ import annotations

import re

import pytest

from database.schema_versions import (
    Migration,
    StoredVersion,
    next_revision,
    read_migrations,
    refusal,
)
from deploy.database_roles import SERVICES

EXPANSIONS = [Migration(revision, is_contraction=False) for revision in ("0001", "0002", "0003")]
WITH_CONTRACTION = [
    Migration("0001", is_contraction=False),
    Migration("0002", is_contraction=True),
    Migration("0003", is_contraction=False),
    Migration("0004", is_contraction=True),
]


@pytest.mark.parametrize(
    ("migrations", "stored", "is_refused"),
    [
        (EXPANSIONS, StoredVersion("", ""), True),
        (EXPANSIONS, StoredVersion("0002", ""), True),
        (EXPANSIONS, StoredVersion("0003", ""), False),
        (EXPANSIONS, StoredVersion("0009", ""), False),
        (EXPANSIONS, StoredVersion("0009", "0008"), True),
        (WITH_CONTRACTION, StoredVersion("0002", "0002"), True),
        (WITH_CONTRACTION, StoredVersion("0003", "0002"), False),
        (WITH_CONTRACTION, StoredVersion("0004", "0004"), False),
        (WITH_CONTRACTION, StoredVersion("0006", "0004"), False),
        (WITH_CONTRACTION, StoredVersion("0006", "0005"), True),
    ],
)
def test_a_schema_without_an_expansion_or_with_an_unknown_contraction_is_refused(
    migrations: list[Migration], stored: StoredVersion, is_refused: bool
) -> None:
    reason = refusal("shop", migrations, stored)

    assert (reason is not None) == is_refused
    assert reason is None or "shop" in reason


@pytest.mark.parametrize(
    ("stored", "contract", "target"),
    [
        ("", False, "0004"),
        ("0001", False, None),
        ("0001", True, "0004"),
        ("0002", False, "0003"),
        ("0003", False, None),
        ("0003", True, "0004"),
        ("0004", True, None),
    ],
)
def test_only_an_empty_schema_is_contracted_without_being_asked(
    stored: str, contract: bool, target: str | None
) -> None:
    assert next_revision(WITH_CONTRACTION, stored, contract) == target


@pytest.mark.parametrize("service", SERVICES)
def test_the_migrations_of_each_service_are_numbered_without_a_gap(service: str) -> None:
    revisions = [migration.revision for migration in read_migrations(service)]

    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert all(re.fullmatch(r"\d{4}", revision) for revision in revisions)
