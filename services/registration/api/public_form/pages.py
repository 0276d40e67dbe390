"""Renders the pages of the public form: the form itself, and the result of a registration."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2
from fastapi.responses import HTMLResponse

from problems.problem import Problem
from registration.api.public_form import sentences
from registration.auth.venue_codes import VenueCode
from registration.regions import SUBDISTRICT, Regions

PATH: Final = "/daftar"
TEMPLATES: Final = Path(__file__).with_name("templates")
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class FormPages:
    """Renders the pages from the templates. `consent` is the id of the consent text that the form shows."""

    def __init__(self, regions: Regions, consent: str) -> None:
        self._regions = regions
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._form = environment.get_template("form.html")
        self._result = environment.get_template("result.html")
        kelurahan = [region.code for region in regions.by_code.values() if region.level == SUBDISTRICT]
        self._constants: Final[dict[str, Any]] = {
            "labels": sentences.LABELS,
            "categories": sentences.CATEGORIES,
            "consent": consent,
            "kelurahan": [regions.label(code) for code in kelurahan],
        }

    def form(
        self, fields: Mapping[str, str], venue: VenueCode | None, problem: Problem | None = None
    ) -> HTMLResponse:
        """Render the form with these field values; each error of `problem` is shown beside its field.

        `venue` is the valid code of a venue. If it is None and the fields name a code, the form says that the
        code is not valid.

        The form keeps its key, so that submitting the same fields again cannot register twice.
        """
        shown: dict[str, Any] = {
            "fields": fields,
            "key": fields["key"] or str(uuid.uuid4()),
            "region": self._region(fields["region"]),
            "venue": venue,
            "empty_form": _empty_form(venue),
            "title": None,
            "advice": [],
            "errors": {},
            "candidates": {},
        }
        if problem is not None:
            shown |= self._explained(problem, fields)
        headers = HEADERS | (problem.headers if problem is not None else {})
        status = problem.status if problem is not None else 200
        return HTMLResponse(self._form.render(self._constants | shown), status, headers)

    def _region(self, text: str) -> str:
        """Return the text to show in the field `region`: the label of a kelurahan, or the text as it is."""
        codes = self._regions.codes_of(text)
        known = len(codes) == 1 and self._regions.fault(codes[0]) is None
        return self._regions.label(codes[0]) if known else text

    def _explained(self, problem: Problem, fields: Mapping[str, str]) -> dict[str, Any]:
        candidates = {code: self._regions.label(code) for code in self._regions.candidates(fields["region"])}
        errors = sentences.field_sentences(problem, fields, len(candidates))
        return {
            "title": sentences.title(problem),
            "advice": sentences.advice(problem),
            "errors": errors,
            "candidates": candidates if "region" in errors else {},
        }

    def result(self, participant_id: uuid.UUID, venue: VenueCode | None) -> HTMLResponse:
        """Render the result of a registration, with a link to an empty form, that of the venue if given."""
        text = self._result.render(participant_id=participant_id, empty_form=_empty_form(venue))
        return HTMLResponse(text, 200, HEADERS)


def _empty_form(venue: VenueCode | None) -> str:
    return PATH if venue is None else venue.path
