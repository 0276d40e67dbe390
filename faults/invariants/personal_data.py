"""Invariant 7: no NIK, phone or name of anybody is to be found outside the register."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from faults.evidence import Topic
from faults.invariant_result import Finding
from faults.client_load import CANARY_NAME, CANARY_NIK, CANARY_PHONE

# The canary, and every NIK and phone that the simulator makes.
SECRETS: Final = re.compile(
    "|".join(
        [
            *(re.escape(one) for one in (CANARY_NAME, CANARY_NAME.split()[1], CANARY_NIK, CANARY_PHONE)),
            r"(?<![0-9a-f-])3199\d{12}(?![0-9a-f])",
            r"\+6282[4-7]\d{8}",
        ]
    ).encode()
)


def check_secrecy(topics: Mapping[str, Topic], folder: Path) -> Finding:
    """Look through every topic and every file that the processes have written: logs, mail, calls, board."""
    finding = Finding(7, "no personal data is outside the register")
    size = 0
    for where, block in _blocks(topics, folder):
        size += len(block)
        found = SECRETS.search(block)
        finding.must(found is None, f"{where}: {found.group()!r} at {found.start()}" if found else "")
    finding.notes.append(f"{size / 1e6:,.0f} MB of topics, logs, mail, calls and board files")
    return finding


def _blocks(topics: Mapping[str, Topic], folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, topic in topics.items():
        for partition, values in topic.values.items():
            yield f"{name}/{partition}", b"\n".join(value or b"" for value in values)
    for path in folder.rglob("*"):
        # What was imported lies there on its way into the register, and is removed at the end of the import.
        if path.is_file() and not path.is_relative_to(folder / "imports"):
            yield str(path.relative_to(folder)), path.read_bytes()
