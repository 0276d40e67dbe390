"""OpenAPI details that FastAPI does not generate: bodies, problems, headers and the API key as components.

The components are made from the models and patterns by which the endpoints validate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from problems.openapi import ProblemView, Responses
from problems.problem import MEDIA_TYPE
from registration.api.import_view import ImportView
from registration.api.operation_submission import IDEMPOTENCY_KEY
from registration.imports.preview import Preview
from registration.requests import request_models

JSON: Final = "application/json"


def reference(section: str, name: str) -> dict[str, str]:
    """Return the reference to a component of a section, such as `schemas`."""
    return {"$ref": f"#/components/{section}/{name}"}


DESCRIPTIONS: Final = {
    400: "The body is not JSON, or a header is malformed",
    401: "No API key, or one that is not valid",
    403: "The role of the API key is too low",
    404: "There is no such participant, import or venue code",
    409: "The state in the register does not allow it",
    412: "The participant has changed since the revision in If-Match",
    413: "The body is too large",
    422: "A field is not valid, or the Idempotency-Key was used for another body",
    429: "Too many attempts without an API key: repeat after Retry-After",
    503: "Busy, or the outcome is unknown: repeat with the same Idempotency-Key after Retry-After",
}
ERROR_HEADERS: Final = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def response_headers(*names: str) -> dict[str, Any]:
    """Return the `headers` of a response."""
    return {"headers": {name: reference("headers", name) for name in names}}


def error_responses(*statuses: int) -> Responses:
    """Return the `responses` of an endpoint whose problems have these HTTP statuses."""
    problem = {MEDIA_TYPE: {"schema": reference("schemas", ProblemView.__name__)}}
    return {
        status: {"description": DESCRIPTIONS[status], "content": problem}
        | (response_headers(*ERROR_HEADERS[status]) if status in ERROR_HEADERS else {})
        for status in statuses
    }


def json_response(description: str, *models: type, headers: Iterable[str] = ()) -> dict[str, Any]:
    """Return a response whose body is JSON of one of the models, which are in SCHEMAS."""
    schemas: list[dict[str, Any]] = [reference("schemas", model.__name__) for model in models]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"description": description, "content": {JSON: {"schema": schema}}} | response_headers(*headers)


REPLAYED: Final = "Idempotent-Replayed"
ANSWER_HEADERS: Final = ("ETag", "Location", REPLAYED)
PUBLIC_RESPONSES: Final = error_responses(400, 401, 409, 413, 422, 429, 503)
CHANGE_RESPONSES: Final = error_responses(400, 401, 403, 404, 409, 412, 413, 422, 503) | {
    200: response_headers(*ANSWER_HEADERS)
}
LOOKUP_RESPONSES: Final = error_responses(400, 401, 403, 404, 413, 422, 503) | {200: response_headers("ETag")}
READ_RESPONSES: Final = error_responses(401, 403, 404, 422, 503)
OPEN_SCOPE_RESPONSES: Final = error_responses(400, 401, 403, 409, 413, 422, 503) | {
    201: response_headers(REPLAYED)
}

KEY_REQUIRED: Final[dict[str, Any]] = {"security": [{"key": []}]}
KEY_OPTIONAL: Final[dict[str, Any]] = {"security": [{}, {"key": []}]}
IDEMPOTENT: Final[dict[str, Any]] = {"parameters": [reference("parameters", "Idempotency-Key")]}
"""The parameters of an endpoint that answers a repeated request without acting again."""
CONDITIONAL: Final[dict[str, Any]] = {
    "parameters": [*IDEMPOTENT["parameters"], reference("parameters", "If-Match")]
}


def request_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Return the `requestBody` of a model, which is in BODIES.

    The endpoints validate bodies themselves, so FastAPI does not know the models of the bodies.
    """
    content = {JSON: {"schema": reference("schemas", model.__name__)}}
    return {"requestBody": {"required": required, "content": content}}


BODIES: Final = (
    request_models.RegisterBody,
    request_models.MoveBody,
    request_models.StepBody,
    request_models.CorrectBody,
    request_models.WithdrawBody,
    request_models.MergeBody,
    request_models.LookupBody,
    request_models.VenueCodeBody,
    request_models.ScopeBody,
)
SCHEMAS: Final = (ImportView, Preview)
"""The models of responses that FastAPI does not know, besides the problem."""


def components() -> dict[str, dict[str, Any]]:
    """Return the components by section and name."""
    template = "#/components/schemas/{model}"
    _, models = models_json_schema(
        [(model, "validation") for model in (*BODIES, ProblemView)], ref_template=template
    )
    _, structs = msgspec.json.schema_components(SCHEMAS, ref_template="#/components/schemas/{name}")
    return {
        "schemas": models["$defs"] | structs,
        "parameters": PARAMETERS,
        "headers": HEADERS,
        "securitySchemes": SECURITY_SCHEMES,
    }


SECURITY_SCHEMES: Final = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "The API key of a booth, an officer or an admin.",
    }
}
PARAMETERS: Final = {
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "A new value for each operation. A repeated request with the same value gets the "
        "first answer, and nothing is done twice.",
        "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of the revision that is to be changed: 412 if there is a newer one. "
        "Without it, or with `*`, every revision is changed.",
        "schema": {"type": "string", "pattern": r'^(?:\*|(?:W/)?"\d{1,9}"|\d{1,9})$'},
    },
}
HEADERS: Final = {
    "ETag": {"description": "The participant's revision, for If-Match.", "schema": {"type": "string"}},
    "Location": {"description": "The path of what was registered.", "schema": {"type": "string"}},
    REPLAYED: {
        "description": "`true` if this is the answer to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
    },
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "The scheme `Bearer`.", "schema": {"type": "string"}},
}
