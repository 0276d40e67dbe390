"""The fixture `register`: the API over a fresh database, served in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.postgres_server import Databases
from tests.support.registration.served_api import ServedApi, serve_api


@pytest.fixture
async def register(database: Databases) -> AsyncIterator[ServedApi]:
    """The API over a fresh database, with a key for each role, a campaign and an agency."""
    async with serve_api(database.registration) as register:
        yield register
