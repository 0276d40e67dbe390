"""Reads when each alert arrived first in the mailbox or at the webhook receiver."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from simulator.verify.delivery_check import ids_in


def first_arrivals(mail: Path, calls: Path) -> dict[str, datetime]:
    """Return the time of the first arrival of each alert, by alert id."""
    first: dict[str, datetime] = {}
    for path in mail.glob("*.eml"):
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        _note(first, ids_in(path.read_bytes()), at)
    if calls.exists():
        for line in calls.read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            _note(first, [call["webhook_id"]], datetime.fromisoformat(call["received_at"]))
    return first


def _note(first: dict[str, datetime], ids: Iterable[str], at: datetime) -> None:
    for id_ in ids:
        first[id_] = min(at, first.get(id_, at))
