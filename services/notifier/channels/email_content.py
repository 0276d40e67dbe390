"""Composes the alert e-mail, which states the milestones, their evidence and the ids of the alerts."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import jinja2

from localization.formats import dated_moment, number
from localization.measure_names import counted
from notifier.domain.alert_evidence import AlertEvidence, Attempt
from notifier.domain.alerts import Recipient
from notifier.i18n import Wording

TEMPLATES: Final = Path(__file__).with_name("templates")
AND_MORE: Final[Mapping[str, str]] = {"id": "dan {} tonggak lain", "en": "and {} more milestones"}
ONE_MORE: Final[Mapping[str, str]] = {"id": "dan 1 tonggak lain", "en": "and 1 more milestone"}


@dataclass(frozen=True, slots=True)
class EmailText:
    """The subject and the body of an e-mail, in plain text."""

    subject: str
    body: str


class EmailContent:
    """Composes e-mails in the language of each official.

    `acknowledge_link` returns the URL of a message's acknowledgement page; None if there is no such page.
    """

    def __init__(
        self, wording: Wording, board_url: str, acknowledge_link: Callable[[uuid.UUID], str] | None = None
    ) -> None:
        self._wording = wording
        self._board_url = board_url.rstrip("/") + "/"
        self._acknowledge_link = acknowledge_link
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - these templates are plain text
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )

    def compose(self, attempt: Attempt, recipient: Recipient) -> EmailText:
        """Return the e-mail for one message to one official."""
        language = recipient.language
        alerts = attempt.alerts
        assert alerts, "a message has at least one alert"
        first = alerts[0]
        body = self._templates.get_template(f"email.{language}.txt").render(
            role=(recipient.role or {}).get(language, recipient.id),
            repeated=attempt.repeated,
            facts=[self._wording.fact(alert, language) for alert in alerts],
            groups=list(self._groups(alerts, language)),
            alerts=[self._evidence(alert, language) for alert in alerts],
            as_of=dated_moment(first.as_of, language),
            cut=first.cut,
            is_one_cut=all(alert.cut == first.cut for alert in alerts),
            board_url=self._board_url,
            acknowledge_url=self._acknowledge_link and self._acknowledge_link(attempt.message_id),
        )
        return EmailText(self._subject(alerts, language), body.strip() + "\n")

    def _subject(self, alerts: Sequence[AlertEvidence], language: str) -> str:
        """Return the subject: one milestone as a sentence, and the number of further milestones.

        Of the alerts for the widest region, the sentence states registered participants before completed
        steps, the scope `all` before other scopes, and the highest threshold first.
        """
        widest = min(len(alert.region) for alert in alerts)
        leading = max(
            (alert for alert in alerts if len(alert.region) == widest),
            key=lambda alert: (alert.measure == "registered", alert.scope == "all", alert.threshold),
        )
        fact = self._wording.fact(leading, language)
        others = len(alerts) - 1
        if not others:
            return fact
        more = ONE_MORE[language] if others == 1 else AND_MORE[language].format(number(others, language))
        return f"{fact}, {more}"

    def _groups(self, alerts: Sequence[AlertEvidence], language: str) -> Iterator[dict[str, Any]]:
        """Group the alerts by region, scope and measure. A group has one count and one or more thresholds."""

        def group_key(alert: AlertEvidence) -> tuple[str, str, str]:
            return (alert.region, alert.scope, alert.measure)

        for _, members in groupby(sorted(alerts, key=group_key), key=group_key):
            group = sorted(members, key=lambda alert: (alert.epoch_name, alert.threshold))
            newest = max(group, key=lambda alert: alert.count)
            scope = self._wording.scope(newest.scope, language)
            yield {
                "place": self._wording.place(newest.region, language),
                "scope": scope,
                "count": number(newest.count, language),
                "counted": counted(newest.measure, language),
                "alerts": [self._evidence(alert, language) for alert in group],
            }

    def _evidence(self, alert: AlertEvidence, language: str) -> dict[str, Any]:
        return {
            "id": alert.id,
            "fact": self._wording.fact(alert, language),
            "place": self._wording.place(alert.region, language),
            "region": alert.region,
            "scope": self._wording.scope(alert.scope, language),
            "counted": counted(alert.measure, language),
            "threshold": number(alert.threshold, language),
            "value": number(alert.value, language),
            "count": number(alert.count, language),
            "as_of": dated_moment(alert.as_of, language),
            "cut": alert.cut,
            "grown": alert.value != alert.count,
            "percent": alert.percent,
            "target": None if alert.target is None else number(alert.target, language),
        }
