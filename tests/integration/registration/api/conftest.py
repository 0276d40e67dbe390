"""A register over a real database, served in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.databases import Databases
from tests.support.registration.served_api import Served, served


@pytest.fixture
async def register(database: Databases) -> AsyncIterator[Served]:
    """One API process's parts over a fresh database, with keys, a campaign and an agency."""
    async with served(database.registration) as register:
        yield register
