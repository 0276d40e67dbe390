"""A board over a topic of this test's own, and the programme that writes to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.board.processes import BoardProcess
from tests.support.board.topic_writer import Programme, programme
from tests.support.topics import Topics


@pytest.fixture
async def source(topics: Topics) -> AsyncIterator[Programme]:
    """Writes cuts and register states."""
    async with programme(topics) as writing:
        yield writing


@pytest.fixture
async def board(topics: Topics, tmp_path: Path) -> AsyncIterator[BoardProcess]:
    """A board, started."""
    process = BoardProcess(tmp_path, topics.environment())
    try:
        await process.start()
        yield process
    finally:
        await process.close()
