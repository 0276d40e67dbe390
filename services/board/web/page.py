"""The page as it is sent: every number in it before any script runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from board.app_state import AppState
from board.i18n import DASH, ENGLISH_NAMES, LANGUAGES, WORDS, clock_of, date_of, moment, number, share, signed
from board.regions import PROVINCE, Region
from board.state.milestones import Crossing
from board.state.registration_rate import PACE_MINUTES, next_threshold, reached_at

TEMPLATES: Final = Path(__file__).with_name("templates")
MILESTONES_SHOWN: Final = 5
SPARK_MINUTES: Final = 60
BAR_SCALE_MIN: Final = 1.25
"""The bars' right end, in targets: the target's mark always stands inside."""


@dataclass(frozen=True)
class Bar:
    """A share of a target on a scale of 0 to 100: how far it is filled, and where the target stands."""

    filled: float
    mark: float


def bar(count: int, target: int | None, scale: float) -> Bar | None:
    """None where there is no target."""
    if not target:
        return None
    return Bar(round(100 * min(1.0, max(0.0, count / target / scale)), 2), round(100 / scale, 2))


class PageRenderer:
    """Renders the page in either language."""

    def __init__(self, static_version: str) -> None:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("page.html")
        self._static_version = static_version

    def render(self, board: AppState, scope: str, language: str) -> str:
        """The page of a scope; in Indonesian unless English is asked for."""
        language = language if language in LANGUAGES else "id"
        words = WORDS[language]
        return self._template.render(
            words=words,
            language=language,
            other="en" if language == "id" else "id",
            scope=scope,
            static_version=self._static_version,
            script=json.dumps(_script_words(language)),
            **_Numbers(board, scope, language).all(),
        )


class _Numbers:
    """What the page says of one scope at this moment, as text."""

    def __init__(self, board: AppState, scope: str, language: str) -> None:
        self._board = board
        self._showing = board.showing
        self._scope = scope
        self._language = language
        self._words = WORDS[language]
        self._now = board.now()

    def all(self) -> dict[str, Any]:
        """Everything the template names."""
        return {
            "ready": self._showing.ready,
            **self._freshness(),
            **self._total(),
            **self._pace(),
            "regions": self._regions(),
            "milestones": [
                self._milestone(c) for c in self._board.milestones.newest(self._scope, MILESTONES_SHOWN)
            ],
            "place": self._name(self._showing.regions.get(PROVINCE)),
        }

    def _freshness(self) -> dict[str, Any]:
        head = self._board.audience.head
        audit = head.audit
        return {
            "state": head.state.value,
            "cut": head.cut,
            "as_of": self._time(head.as_of),
            "as_of_iso": head.as_of.isoformat() if head.as_of else "",
            "coverage": DASH if head.coverage is None else share(head.coverage, 1, 2, self._language),
            "drift": number(audit.drift, self._language) if audit else DASH,
            "drifted": bool(audit and audit.drift),
            "checked": self._words["checked"].format(clock_of(audit.checked_at, self._language))
            if audit
            else self._words["unchecked"],
        }

    def _total(self) -> dict[str, Any]:
        count = self._showing.count(self._scope, PROVINCE)
        target = self._showing.target(self._scope, PROVINCE)
        scale = max(BAR_SCALE_MIN, count / target * 1.08) if target else BAR_SCALE_MIN
        return {
            "total_count": count if self._showing.ready else "",
            "total": number(count, self._language) if self._showing.ready else DASH,
            "goal": self._goal(count, target),
            "distance": self._distance(count, target),
            "total_bar": bar(count, target, scale),
            "total_target": target or "",
        }

    def _goal(self, count: int, target: int | None) -> str:
        if target is None:
            return self._words["no_target"]
        percent = share(count, target, 1, self._language)
        return self._words["of_target"].format(percent=percent, target=number(target, self._language))

    def _distance(self, count: int, target: int | None) -> str:
        if target is None:
            return ""
        word = self._words["above" if count >= target else "below"]
        return word.format(number(abs(count - target), self._language))

    def _pace(self) -> dict[str, Any]:
        minutes = self._board.minutes
        where = (self._scope, PROVINCE, self._now)
        count = self._showing.count(self._scope, PROVINCE)
        threshold = next_threshold(count, self._showing.target(self._scope, PROVINCE))
        per_minute = minutes.per_minute(*where)
        at = reached_at(count, threshold, per_minute, self._now)
        series = [growth for _, growth in minutes.series(*where, SPARK_MINUTES)]
        highest = max(*series, 1)
        about = self._words["about"]
        return {
            "today": signed(minutes.today(*where), self._language),
            "pace": self._words["per_minute"].format(number(round(per_minute), self._language)),
            "towards": self._words["towards"].format(number(threshold, self._language)),
            "eta": about.format(moment(at, self._now, self._language)) if at else self._words["unknown_eta"],
            "spark": [round(max(0, growth) / highest * 100, 1) for growth in series],
            "pace_minutes": PACE_MINUTES,
        }

    def _regions(self) -> list[dict[str, Any]]:
        listed = self._showing.listed(self._scope, "city", PROVINCE)
        counts = {region.code: self._showing.count(self._scope, region.code) for region in listed}
        targets = {region.code: self._showing.target(self._scope, region.code) for region in listed}
        shares = [counts[code] / target for code, target in targets.items() if target]
        scale = max([BAR_SCALE_MIN, *(part * 1.08 for part in shares)])
        return [
            {
                "code": region.code,
                "name": self._name(region),
                "plain": counts[region.code] if self._showing.ready else "",
                "count": number(counts[region.code], self._language) if self._showing.ready else DASH,
                "target": targets[region.code] or "",
                "target_text": number(target, self._language) if (target := targets[region.code]) else DASH,
                "share": share(counts[region.code], target, 1, self._language) if target else DASH,
                "bar": bar(counts[region.code], target, scale),
            }
            for region in listed
        ]

    def _milestone(self, crossing: Crossing) -> dict[str, Any]:
        step = crossing.measure.removeprefix("step:")
        measure = self._words["registered"] if step == "registered" else self._words["step"].format(step)
        return {
            "text": self._words["reached"].format(
                region=self._name(self._showing.regions.get(crossing.region)),
                threshold=number(crossing.threshold, self._language),
                measure=measure,
            ),
            "at": moment(crossing.crossed_at, self._now, self._language),
            "retracted": crossing.state == "retracted",
        }

    def _name(self, region: Region) -> str:
        return ENGLISH_NAMES.get(region.code, region.name) if self._language == "en" else region.name

    def _time(self, time: datetime | None) -> str:
        if time is None:
            return self._words["waiting"]
        text = f"{date_of(time, self._language)}, {clock_of(time, self._language)}"
        return self._words["per"].format(text)


def _script_words(language: str) -> dict[str, Any]:
    """What the script needs to write the same words."""
    names = ENGLISH_NAMES if language == "en" else {}
    return {**WORDS[language], "names": names, "dash": DASH, "milestones_shown": MILESTONES_SHOWN}
