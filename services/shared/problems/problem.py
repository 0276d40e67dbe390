"""A problem: what went wrong, in a form a program can act on and a person can read.

Source: RFC 9457, Problem Details for HTTP APIs; pointers after RFC 6901.
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
"""The same sentence by language: `{"id": …, "en": …}`."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: its JSON pointer, a stable code and a sentence. Never the value."""

    pointer: str
    code: str
    text: Text

    def body(self, language: str) -> dict[str, str]:
        """As it stands under `errors`."""
        return {"pointer": self.pointer, "code": self.code, "detail": self.text[language]}


@dataclass(slots=True)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """A refusal to be answered as problem details; `slug` ends its stable type."""

    status: int
    slug: str
    title: Text
    detail: Text | None = None
    errors: list[FieldError] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def body(self, language: str) -> dict[str, Any]:
        """The JSON object that is sent."""
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


def invalid(code: str, *, id: str, en: str) -> PydanticCustomError:  # noqa: A002 - `id` is the language's code
    """An error for a pydantic validator to raise, with its sentence in both languages."""
    return PydanticCustomError(code, "{en}", {"id": id, "en": en})


def pointer(location: tuple[int | str, ...]) -> str:
    """The JSON pointer of a pydantic error location, without its leading `body` or `query`."""
    parts = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def language_of(accept_language: str | None) -> str:
    """The first language of an Accept-Language header that we speak; Indonesian where none is asked for."""
    for part in (accept_language or "").split(","):
        tag = part.split(";")[0].strip().lower().split("-")[0]
        if tag in LANGUAGES:
            return tag
    return "id"
