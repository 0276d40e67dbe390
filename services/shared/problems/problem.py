"""A problem: an error response that a program can evaluate and a person can read.

Sources: RFC 9457 (Problem Details for HTTP APIs) and RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_core import PydanticCustomError

TYPE_ROOT: Final = "https://jakpreneur.example/problems/"
MEDIA_TYPE: Final = "application/problem+json"
LANGUAGES: Final = ("id", "en")

Text = Mapping[str, str]
"""The same text by language: `{"id": …, "en": …}`."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one field, with the field's JSON pointer, a stable code and a text.

    The error never contains the field's value.
    """

    pointer: str
    code: str
    text: Text

    def body(self, language: str) -> dict[str, str]:
        """Return the entry under `errors` in the response body."""
        return {"pointer": self.pointer, "code": self.code, "detail": self.text[language]}


@dataclass(slots=True)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An exception to which the service responds with problem details.

    `slug` is the last part of the problem's type URI.
    """

    status: int
    slug: str
    title: Text
    detail: Text | None = None
    errors: list[FieldError] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def body(self, language: str) -> dict[str, Any]:
        """Return the response body as a JSON object."""
        body: dict[str, Any] = {
            "type": TYPE_ROOT + self.slug,
            "title": self.title[language],
            "status": self.status,
        }
        if self.detail is not None:
            body["detail"] = self.detail[language]
        if self.errors:
            body["errors"] = [error.body(language) for error in self.errors]
        return body | self.extra


def invalid(code: str, *, id: str, en: str) -> PydanticCustomError:  # noqa: A002 - `id` is the language code
    """Return an error for a pydantic validator to raise, with its message in both languages."""
    return PydanticCustomError(code, "{en}", {"id": id, "en": en})


def pointer(location: tuple[int | str, ...]) -> str:
    """Return the JSON pointer of a pydantic error location.

    If the location starts with `body`, `query`, `path` or `header`, this first part is left out.
    """
    parts = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def language_of(accept_language: str | None) -> str:
    """Return the first supported language of an Accept-Language header.

    The default is Indonesian.
    """
    for part in (accept_language or "").split(","):
        tag = part.split(";")[0].strip().lower().split("-")[0]
        if tag in LANGUAGES:
            return tag
    return "id"
