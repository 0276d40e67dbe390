"""OpenAPI details that FastAPI does not generate: request bodies, problem responses, the API key scheme."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from problems.problem import MEDIA_TYPE
from registration.api.response_models import ProblemView

Responses = dict[int | str, dict[str, Any]]

_DESCRIPTIONS: Final = {
    400: "The body is not JSON, or a header says nothing",
    401: "No key, or one that is not valid",
    403: "The key may not do that",
    404: "There is no such participant",
    409: "The participant's state does not allow it",
    412: "The participant has changed since",
    413: "The body is too large",
    422: "A field is not valid, or the key was used for another body",
    429: "Too many attempts without a key",
    503: "Not now: come back after Retry-After",
}


def error_responses(*statuses: int) -> Responses:
    """Return the `responses` of an endpoint whose problems have these HTTP statuses."""
    schema = ProblemView.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs")
    schema["properties"]["errors"]["items"] = definitions["FieldErrorView"]
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


PUBLIC_RESPONSES: Final = error_responses(400, 401, 409, 413, 422, 429, 503)
CHANGE_RESPONSES: Final = error_responses(400, 401, 403, 404, 409, 412, 413, 422, 503)
READ_RESPONSES: Final = error_responses(400, 401, 403, 404, 413, 422, 503)
OPEN_SCOPE_RESPONSES: Final = error_responses(400, 401, 403, 409, 413, 422, 503)

SECURITY_SCHEMES: Final = {"key": {"type": "http", "scheme": "bearer"}}
KEY_REQUIRED: Final[dict[str, Any]] = {"security": [{"key": []}]}


def request_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Return the `requestBody` of a model, with all definitions inlined.

    The endpoints validate bodies themselves, so FastAPI does not know the models of the bodies.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return inline(definitions[node["$ref"].rsplit("/", 1)[1]])
            return {key: inline(value) for key, value in node.items()}
        return [inline(item) for item in node] if isinstance(node, list) else node

    return {
        "requestBody": {"required": required, "content": {"application/json": {"schema": inline(schema)}}}
    }
