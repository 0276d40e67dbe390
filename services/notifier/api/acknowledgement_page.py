"""Renders the acknowledgement page, which an e-mail links to: the alerts of the e-mail, and a button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2

from localization.formats import dated_moment
from notifier.i18n import Wording

TEMPLATES: Final = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class _Row:
    """The values that a sentence about a crossing needs (`notifier.i18n.Crossed`), from a database row."""

    scope: str
    region: str
    measure: str
    threshold: int
    epoch_name: str
    percent: int | None
    target: int | None


class AcknowledgementPages:
    """Renders the acknowledgement page in Indonesian or English."""

    def __init__(self, wording: Wording, board_url: str) -> None:
        self._wording = wording
        self._board_url = board_url
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, autoescape=True
        )

    def render(self, alerts: Sequence[Mapping[str, Any]], language: str) -> str:
        """The HTML page for the alerts of one message."""
        times = [alert["acknowledged_at"] for alert in alerts]
        rows = [_Row(**{name: alert[name] for name in _Row.__slots__}) for alert in alerts]
        return self._templates.get_template("acknowledgement.html").render(
            language=language,
            facts=[self._wording.fact(row, language) for row in rows],
            known_since=None if None in times else dated_moment(max(times), language),
            board_url=self._board_url,
        )
