"""Which problems an endpoint may answer with, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from problems.problem import MEDIA_TYPE
from registration.api.response_models import ProblemView

Responses = dict[int | str, dict[str, Any]]

_SAID: Final = {
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


def problems(*statuses: int) -> Responses:
    """The `responses` of an endpoint."""
    schema = ProblemView.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs")
    schema["properties"]["errors"]["items"] = definitions["FieldErrorView"]
    return {
        status: {"description": _SAID[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


PUBLIC: Final = problems(400, 401, 409, 413, 422, 429, 503)
CHANGING: Final = problems(400, 401, 403, 404, 409, 412, 413, 422, 503)
READING: Final = problems(400, 401, 403, 404, 413, 422, 503)
OPENING: Final = problems(400, 401, 403, 409, 413, 422, 503)

SECURITY_SCHEMES: Final = {"key": {"type": "http", "scheme": "bearer"}}
KEYED: Final[dict[str, Any]] = {"security": [{"key": []}]}
