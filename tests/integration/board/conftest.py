"""Fixtures: a board process that reads topics of its own, and a writer to these topics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.board.input_topic_writer import TopicWriter, topic_writer
from tests.support.board.processes import BoardProcess
from tests.support.topic_prefixes import Topics


@pytest.fixture
async def source(topics: Topics) -> AsyncIterator[TopicWriter]:
    """A writer to the board's topics."""
    async with topic_writer(topics) as writer:
        yield writer


@pytest.fixture
async def board(topics: Topics, tmp_path: Path) -> AsyncIterator[BoardProcess]:
    """A board that has started."""
    process = BoardProcess(tmp_path, topics.environment())
    try:
        await process.start()
        yield process
    finally:
        await process.close()
