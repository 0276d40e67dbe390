"""Each type of problem that a service answers with has a page, to which the path of the type leads."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.testclient import TestClient

from board.web.problem_pages import problem_routes
from problems.problem import TYPE_ROOT
from problems.problem_types import MEANINGS
from registration.api.problem_responses import BY_OUTCOME
from tests.support.contract_documents import ROOT

# `Problem(404, "not-found", …)`, `problem(…)` and `_unknown("scope", "unknown-scope", …)`.
WRITTEN: Final = re.compile(r'(?:[Pp]roblem\(\s*\d{3}|_unknown\(\s*"?\w+"?),\s*"([a-z-]+)"')
BY_STATUS: Final = {"forbidden", "method-not-allowed", "not-found", "unauthorized"}
OVERLOADS: Final = {"outcome-unknown", "overloaded"}


def test_every_problem_has_a_page_and_no_page_is_without_a_problem() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "services").rglob("*.py")]
    written = {slug for source in sources for slug in WRITTEN.findall(source)}

    answered = written | {str(outcome) for outcome in BY_OUTCOME} | BY_STATUS | OVERLOADS

    assert len(written) > 15
    assert set(MEANINGS) == answered


def test_the_path_of_a_type_is_a_page_that_says_what_it_means() -> None:
    app = FastAPI()
    app.include_router(problem_routes({}))
    client = TestClient(app)

    page = client.get(urlsplit(TYPE_ROOT + "unknown-scope").path)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert MEANINGS["unknown-scope"] in page.text
    assert MEANINGS["unknown-scope"] in client.get("/problems").text
