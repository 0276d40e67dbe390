"""The commands of docs/integrate.md for the board's data work as they are written."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import pytest

from tests.support.contract_documents import ROOT
from tests.support.deadlines import until
from tests.support.stack import Stack

pytestmark = pytest.mark.integration

DOCUMENTED_URL: Final = "http://127.0.0.1:8000"
SECTION: Final = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
COMMANDS: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


async def test_the_commands_for_the_boards_data_work_as_written(filled: Stack) -> None:
    await filled.start("board")
    page = (ROOT / "docs" / "integrate.md").read_text("utf-8")
    sections = {title: COMMANDS.findall(text) for title, text in SECTION.findall(page)}
    read, poll = sections["Counts"]
    growth, *others = sections["Pace and milestones"]

    async def unchanged() -> bool:
        return await _output(poll, filled) == "304\n"

    assert '"registered": 250000' in await _output(read, filled)
    assert '"threshold": 200000' in await _output(growth, filled)
    assert others == []
    await until(unchanged, 30, name="a poll with the last tag is answered 304")


async def _output(command: str, stack: Stack) -> str:
    """Run a command as it is documented, against this stack's board, and return its output."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", command.replace(DOCUMENTED_URL, stack.url("board"))),
        cwd=stack.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await shell.communicate()
    assert shell.returncode == 0, command
    return output.decode()
