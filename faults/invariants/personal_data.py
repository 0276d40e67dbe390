"""Invariant 7: no NIK, phone number or name is stored outside the register."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from faults.invariant_result import InvariantResult
from faults.observation.evidence import TopicRecords
from faults.running_system.client_load import CANARY_NAME, CANARY_NIK, CANARY_PHONE

# Matches the canary's personal data, and every NIK and phone number that the simulator generates.
PERSONAL_DATA: Final = re.compile(
    "|".join(
        [
            *(re.escape(text) for text in (CANARY_NAME, CANARY_NAME.split()[1], CANARY_NIK, CANARY_PHONE)),
            r"(?<![0-9a-f-])3199\d{12}(?![0-9a-f])",
            r"\+6282[4-7]\d{8}",
        ]
    ).encode()
)


def check_personal_data(topics: Mapping[str, TopicRecords], folder: Path) -> InvariantResult:
    """Search for personal data in all topics and in all files that the processes have written.

    These files are logs, received mail, received webhook calls and the boards' state files.
    """
    result = InvariantResult(7, "no personal data is outside the register")
    size = 0
    for source, block in _blocks(topics, folder):
        size += len(block)
        found = PERSONAL_DATA.search(block)
        result.check(found is None, f"{source}: {found.group()!r} at {found.start()}" if found else "")
    result.notes.append(f"{size / 1e6:,.0f} MB of topics, logs, mail, calls and board files")
    return result


def _blocks(topics: Mapping[str, TopicRecords], folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, topic in topics.items():
        for partition, values in topic.values.items():
            yield f"{name}/{partition}", b"\n".join(value or b"" for value in values)
    for path in folder.rglob("*"):
        # The folder of uploaded files holds personal data until each import ends and removes its file.
        if path.is_file() and not path.is_relative_to(folder / "imports"):
            yield str(path.relative_to(folder)), path.read_bytes()
