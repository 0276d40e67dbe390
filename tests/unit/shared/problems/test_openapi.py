"""Tests how problems are described, and that a problem's body has the described shape."""

from __future__ import annotations

import jsonschema
from fastapi import FastAPI

from problems.openapi import ProblemView, describe_problems, problem_responses
from problems.problem import FieldError, Problem


def test_a_problem_is_one_component_that_every_route_refers_to() -> None:
    app = FastAPI()
    describe_problems(app)

    @app.get("/things/{number}", responses=problem_responses({404: "None", 422: "Invalid", 503: "Later"}))
    async def thing(number: int) -> int:
        return number

    document = app.openapi()

    responses = document["paths"]["/things/{number}"]["get"]["responses"]
    assert set(responses) == {"200", "404", "422", "503"}
    assert responses["422"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemView"}}
    }
    assert "Retry-After" in responses["503"]["headers"]
    assert set(document["components"]["schemas"]) == {"ProblemView", "FieldErrorView"}


def test_the_body_of_a_problem_has_the_described_shape() -> None:
    text = {"id": "Salah.", "en": "Wrong."}
    schema = ProblemView.model_json_schema()

    for problem in (
        Problem(404, "unknown", text),
        Problem(422, "invalid", text, text, [FieldError("/a", "b", text)]),
    ):
        jsonschema.validate(problem.body("en"), schema)
