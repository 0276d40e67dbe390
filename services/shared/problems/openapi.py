"""Describes problems in the OpenAPI document of a FastAPI application, as one component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from problems.json_schema import omit_defaults
from problems.problem import MEDIA_TYPE

RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds until a retry can succeed.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
CHALLENGE: Final = {"WWW-Authenticate": {"description": "The scheme `Bearer`.", "schema": {"type": "string"}}}
HEADERS: Final[Mapping[int, Mapping[str, Any]]] = {401: CHALLENGE, 503: RETRY_AFTER}
Responses = dict[int | str, dict[str, Any]]


class FieldErrorView(BaseModel):
    """What is wrong with one field: its JSON pointer, a stable code, and a text. Never the field's value."""

    pointer: str
    code: str
    detail: str


class ProblemView(BaseModel):
    """Problem details (RFC 9457), in the language of Accept-Language. `detail` and `errors` are optional."""

    model_config = ConfigDict(json_schema_extra=omit_defaults)

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FieldErrorView] = []


def problem_responses(descriptions: Mapping[int, str]) -> Responses:
    """Return the `responses` of a route that answers with these problems: a description for each status."""
    schema = {"$ref": f"#/components/schemas/{ProblemView.__name__}"}
    return {
        status: {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": schema}},
            "headers": HEADERS.get(status, {}),
        }
        for status, description in descriptions.items()
    }


def describe_problems(app: FastAPI) -> None:
    """Add the problem to the components of the application's OpenAPI document."""
    generate = app.openapi
    _, models = models_json_schema([(ProblemView, "validation")], ref_template="#/components/schemas/{model}")

    def openapi() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {}).setdefault("schemas", {}).update(models["$defs"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this assignment
