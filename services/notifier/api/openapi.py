"""What the notifier's OpenAPI document says beyond the models: problems, and the officers' access key."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from problems.openapi import describe_problems

NOT_JSON: Final = {400: "The body is not JSON"}
NO_KEY: Final = {401: "The officers' access key is missing or wrong"}
NO_ALERT: Final = {404: "There is no such alert"}
NO_MESSAGE: Final = {404: "There is no such message", 409: "The message is neither dead nor unconfirmed"}
INVALID: Final = {422: "A parameter or a field is not valid"}
UNAVAILABLE: Final = {503: "The database cannot be reached"}

KEY_REQUIRED: Final[dict[str, Any]] = {"security": [{"key": []}]}
IDEMPOTENCY_KEY_LENGTH_MAX: Final = 255
# The endpoint checks it itself, for a message that says more.
IDEMPOTENCY_KEY_REQUIRED: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "A new value for each silence; a repeated request gets the first answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_LENGTH_MAX},
        }
    ]
}
SECURITY_SCHEMES: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "The access key that all officers share."}
}


def describe(app: FastAPI) -> None:
    """Add the problem and the access key to the components of the application's OpenAPI document."""
    describe_problems(app)
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this assignment
