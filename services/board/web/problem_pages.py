"""The pages to which the types of problems lead: what a problem means, and what the client should do."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from board.web.page import TEMPLATES
from problems.problem import Problem
from problems.problem_types import MEANINGS

NOT_FOUND: Final = {"id": "Masalah ini tidak dikenal.", "en": "There is no such problem."}


def problem_routes(headers: dict[str, str]) -> APIRouter:
    """Return the routes of the list and of each problem. The responses have `headers`."""
    router = APIRouter(include_in_schema=False)
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.get_template("problems.html")

    @router.get("/problems")
    async def list_problems() -> HTMLResponse:
        return HTMLResponse(template.render(meanings=MEANINGS, chosen=None), headers=headers)

    @router.get("/problems/{slug}")
    async def one_problem(slug: str) -> HTMLResponse:
        if slug not in MEANINGS:
            raise Problem(404, "not-found", NOT_FOUND)
        return HTMLResponse(template.render(meanings=MEANINGS, chosen=slug), headers=headers)

    return router
