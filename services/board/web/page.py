"""Renders the page with all its numbers, so that the page is complete before any script runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from board.app_state import AppState
from board.i18n import DASH, WORDS
from board.regions import PROVINCE, Region
from board.state.counts import Head
from board.state.growth import MINUTES_SHOWN
from board.state.milestones import NEWEST_SHOWN, Crossing
from board.state.pace import Forecast
from board.state.registration_rate import MINUTE
from localization.formats import (
    LANGUAGES,
    UNIT_NAMES,
    UNITS_S,
    clock_of,
    date_of,
    duration,
    moment,
    number,
    share,
    signed,
    span,
)
from localization.region_names import EVERYDAY_NAMES, everyday_name

TEMPLATES: Final = Path(__file__).with_name("templates")
RELOAD_S: Final = 10
"""Without a script, the page reloads itself after this time."""
BAR_SCALE_MIN: Final = 1.25
"""The right end of a bar, as a multiple of the target. Above 1, so that the bar has room for the mark."""


@dataclass(frozen=True)
class Bar:
    """A bar that shows a share of a target.

    `filled` is the bar's filled length and `mark` the place of the target, both in percent of the bar's
    length.
    """

    filled: float
    mark: float


def bar(count: int, target: int | None, scale: float) -> Bar | None:
    """Return the bar of a count; None without a target. The bar ends at `scale` times the target."""
    if not target:
        return None
    return Bar(round(100 * min(1.0, max(0.0, count / target / scale)), 2), round(100 / scale, 2))


def html_time(time: datetime) -> str:
    """Return a time for the element `time`, which allows at most three digits after the second."""
    return time.isoformat(timespec="milliseconds")


class PageRenderer:
    """Renders the page in Indonesian or English."""

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

    def render(self, app_state: AppState, scope: str, language: str) -> str:
        """Return the HTML page of a scope, in Indonesian unless `language` is `en`."""
        language = language if language in LANGUAGES else "id"
        words = WORDS[language]
        return self._template.render(
            words=words,
            language=language,
            other="en" if language == "id" else "id",
            scope=scope,
            static_version=self._static_version,
            script=json.dumps(_script_words(language)),
            **_PageValues(app_state, scope, language).all(),
        )


class _PageValues:
    """The template's values for one scope, formatted for one language."""

    def __init__(self, app_state: AppState, scope: str, language: str) -> None:
        self._app_state = app_state
        self._board_state = app_state.board_state
        self._scope = scope
        self._language = language
        self._words = WORDS[language]
        self._now = app_state.now()

    def all(self) -> dict[str, Any]:
        """Return all values that the template uses."""
        return {
            "ready": self._board_state.ready,
            **self._freshness(),
            **self._total(),
            **self._growth(),
            **self._chart(),
            "regions": self._regions(),
            "milestones": [
                self._milestone(crossing)
                for crossing in self._app_state.milestones.newest(self._scope, NEWEST_SHOWN)
            ],
            "place": self._name(self._board_state.regions.get(PROVINCE)),
        }

    def _freshness(self) -> dict[str, Any]:
        head = self._app_state.subscriptions.head
        audit = head.audit
        age_s = self._board_state.freshness.view(self._app_state.clock()).age_s
        known = isfinite(age_s)
        age = duration(age_s, self._language) if known else ""
        loaded = head.as_of + timedelta(seconds=age_s) if head.as_of and known else self._now
        return {
            "age_s": int(age_s) if known else "",
            "old": self._old(head.as_of),
            "ago": self._words["ago"].format(age) if known else "",
            "reload_s": RELOAD_S,
            "no_script": self._words["no_script"].format(
                time=clock_of(loaded, self._language), age=age or DASH, every=RELOAD_S
            ),
            "state": head.state.value,
            "cut": head.cut,
            "as_of": self._time(head.as_of),
            "as_of_iso": html_time(head.as_of) if head.as_of else "",
            "coverage": DASH if head.coverage is None else share(head.coverage, 1, 2, self._language),
            "ignored": number(head.ignored, self._language) if head.ignored else "",
            "drift": number(head.drift, self._language) if audit and head.audited else DASH,
            "drifted": bool(head.drift) or not head.audited,
            "checked": self._checked(head),
        }

    def _old(self, as_of: datetime | None) -> str:
        text = self._time(as_of)
        return text if as_of is None else self._words["old"].format(text)

    def _checked(self, head: Head) -> str:
        if head.audit is None:
            return self._words["unchecked"]
        if head.audited:
            return self._words["checked"].format(clock_of(head.audit.checked_at, self._language))
        return self._words["unchecked_since"].format(self._dated(head.audit.checked_at))

    def _total(self) -> dict[str, Any]:
        count = self._board_state.count(self._scope, PROVINCE)
        target = self._board_state.target(self._scope, PROVINCE)
        scale = max(BAR_SCALE_MIN, count / target * 1.08) if target else BAR_SCALE_MIN
        return {
            "total_count": count if self._board_state.ready else "",
            "total": number(count, self._language) if self._board_state.ready else DASH,
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

    def _growth(self) -> dict[str, Any]:
        figures = self._app_state.growth.figures(self._scope, PROVINCE)
        pace, expected, threshold = figures.pace, figures.forecast, figures.next_threshold
        per_minute = self._words["per_minute"]
        eta = DASH if threshold is None else self._words["unknown_eta"]
        return {
            "stock": self._words["stock"].format(number(figures.stock, self._language))
            if figures.stock
            else "",
            "today": DASH if figures.today is None else signed(figures.today, self._language),
            "pace": per_minute.format(number(round(pace.per_minute), self._language)) if pace else DASH,
            "pace_title": self._words["pace" if pace else "pace_unknown"].format(
                minutes=pace and pace.minutes,
                until=self._short(figures.pace_until),
            ),
            "towards": self._words["no_next"]
            if threshold is None
            else self._words["towards"].format(number(threshold, self._language)),
            "eta": self._range(expected) if expected else eta,
        }

    def _chart(self) -> dict[str, Any]:
        chart = self._app_state.growth.chart(self._scope, PROVINCE, MINUTES_SHOWN)
        highest = max(*(growth for _, growth in chart.minutes), 1)
        return {
            "spark": [
                (round(max(0, growth) / highest * 100, 1), minute in chart.late)
                for minute, growth in chart.minutes
            ],
            "until": self._words["until"].format(self._short(chart.minutes[-1][0] + MINUTE)),
            "has_late": bool(chart.late),
        }

    def _range(self, expected: Forecast) -> str:
        times = span(expected.begins, expected.ends, self._language)
        return times if "–" in times else self._words["about"].format(times)

    def _short(self, time: datetime | None) -> str:
        return "" if time is None else clock_of(time, self._language, seconds=False)

    def _regions(self) -> list[dict[str, Any]]:
        regions = self._board_state.list_regions(self._scope, "city", PROVINCE)
        counts = {region.code: self._board_state.count(self._scope, region.code) for region in regions}
        targets = {region.code: self._board_state.target(self._scope, region.code) for region in regions}
        shares = [counts[code] / target for code, target in targets.items() if target]
        scale = max([BAR_SCALE_MIN, *(share_of_target * 1.08 for share_of_target in shares)])
        return [
            {
                "code": region.code,
                "name": self._name(region),
                "plain": counts[region.code] if self._board_state.ready else "",
                "count": number(counts[region.code], self._language) if self._board_state.ready else DASH,
                "target": targets[region.code] or "",
                "target_text": number(target, self._language) if (target := targets[region.code]) else DASH,
                "share": share(counts[region.code], target, 1, self._language) if target else DASH,
                "bar": bar(counts[region.code], target, scale),
            }
            for region in regions
        ]

    def _milestone(self, crossing: Crossing) -> dict[str, Any]:
        step = crossing.measure.removeprefix("step:")
        measure = self._words["registered"] if step == "registered" else self._words["step"].format(step)
        return {
            "text": self._words["reached"].format(
                region=self._name(self._board_state.regions.get(crossing.region)),
                threshold=number(crossing.threshold, self._language),
                measure=measure,
            ),
            "at": moment(crossing.crossed_at, self._now, self._language),
            "at_iso": html_time(crossing.crossed_at),
            "retracted": crossing.state == "retracted",
        }

    def _name(self, region: Region) -> str:
        return everyday_name(region.code, region.name, self._language)

    def _time(self, time: datetime | None) -> str:
        if time is None:
            return self._words["waiting"]
        return self._words["per"].format(self._dated(time))

    def _dated(self, time: datetime) -> str:
        return f"{date_of(time, self._language)}, {clock_of(time, self._language)}"


def _script_words(language: str) -> dict[str, Any]:
    """Return the texts and names for the script, so that it writes the same words as the server."""
    names = {code: name["en"] for code, name in EVERYDAY_NAMES.items()} if language == "en" else {}
    return {
        **WORDS[language],
        "names": names,
        "dash": DASH,
        "units": list(zip(UNITS_S, UNIT_NAMES[language], strict=True)),
        "milestones_shown": NEWEST_SHOWN,
        "minutes_shown": MINUTES_SHOWN,
    }
