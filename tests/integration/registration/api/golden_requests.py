"""The requests to `POST /v1/participants` whose answers are recorded in `golden_answers/`, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.support.registration.served_api import PATH, body

BODY_BYTES_MAX: Final = 4_096
ENGLISH: Final = {"Accept-Language": "en-GB,id;q=0.5"}
UNKNOWN_KEY: Final = f"Bearer jak_{'0' * 16}_{'A' * 43}"


class Sent(NamedTuple):
    """A request. `role` selects the API key. `chunks` is the content in parts if its length is not announced.

    In `path`, `<id>` stands for the participant in the answer to the request before.
    """

    content: bytes
    role: str | None
    headers: dict[str, str]
    chunks: tuple[bytes, ...] | None
    path: str
    method: str


def post(
    content: Any,
    role: str | None = "booth",
    headers: dict[str, str] | None = None,
    *,
    chunked: bool = False,
    path: str = PATH,
) -> Sent:
    """Return a POST of `content`, unchanged if it is bytes and else as JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    chunks = (data[: len(data) // 2], data[len(data) // 2 :]) if chunked else None
    return Sent(data, role, headers or {}, chunks, path, "POST")


def keyed(content: Any, key: object, role: str | None = "booth", **more: str) -> Sent:
    """Return a POST of `content` under the idempotency key `key-<key>`."""
    return post(content, role, {"Idempotency-Key": f"key-{key}"} | more)


def _variants(headers: dict[str, str], n: int) -> list[Sent]:
    """Return a request with these headers, the same without an API key, and one with an invalid body."""
    return [post(body(n), "booth", headers), post(body(n), None, headers), post(b"{", "booth", headers)]


Requests = Callable[[int], list[Sent]]
"""The requests of one case, in the order in which they are sent. `n` is a person of this case only."""

REQUIRED_ONLY: Final[dict[str, Any]] = dict.fromkeys(
    ("phone", "business", "agency", "campaign", "booth", "occurred_at")
)
VALID: Final[dict[str, Requests]] = {
    "all fields": lambda n: [post(body(n))],
    "all fields in English": lambda n: [post(body(n), "booth", ENGLISH)],
    "required fields only": lambda n: [post(body(n, **REQUIRED_ONLY))],
    "optional fields that are null": lambda n: [post(body(n) | REQUIRED_ONLY)],
    "an officer": lambda n: [post(body(n), "officer")],
    "an admin": lambda n: [post(body(n), "admin")],
    "the public": lambda n: [post(body(n), None)],
    "a name with extra spaces": lambda n: [post(body(n, name="  Siti \u00a0 Contoh  "))],
    "a phone number in local form": lambda n: [post(body(n, phone="0812-3456-789"))],
    "a repeated field": lambda n: [post(json.dumps(body(n)).replace("{", '{"name":"Siti",', 1).encode())],
    "no content type": lambda n: [post(body(n), headers={"Content-Type": ""})],
    "another content type": lambda n: [post(body(n), headers={"Content-Type": "text/plain"})],
    "a chunked body": lambda n: [post(body(n), chunked=True)],
    "a traceparent": lambda n: [post(body(n), headers={"Traceparent": f"00-{1:032x}-{2:016x}-01"})],
    "a malformed traceparent": lambda n: [post(body(n), headers={"Traceparent": "00-zero"})],
    "a query": lambda n: [post(body(n), path=f"{PATH}?region=31")],
}
IDEMPOTENT: Final[dict[str, Requests]] = {
    "a repeat": lambda n: [keyed(body(n), n), keyed(body(n), n), keyed(body(n), n, **ENGLISH)],
    "a key used for another body": lambda n: [keyed(body(n), n), keyed(body(n, name="Siti"), n)],
    "a key used for another If-Match": lambda n: [keyed(body(n), n), keyed(body(n), n, **{"If-Match": "1"})],
    "a key used by another caller": lambda n: [keyed(body(n), n), keyed(body(n), n, "officer")],
    "a key used by the public": lambda n: [keyed(body(n), n, None), keyed(body(n), n, None)],
    "a repeat with an invalid body": lambda n: [keyed(body(n), n), keyed(b"{", n)],
    "a repeated refusal": lambda n: [post(body(n)), keyed(body(n), n), keyed(body(n), n)],
    "a registered NIK": lambda n: [post(body(n)), post(body(n, name="Siti")), post(body(n), None, ENGLISH)],
    "a withdrawn person": lambda n: [post(body(n)), post({}, path=f"{PATH}/<id>/withdraw"), post(body(n))],
}
INVALID_BODIES: Final[dict[str, Callable[[int], Any]]] = {
    "not JSON": lambda n: b"{",
    "not UTF-8": lambda n: b'{"name":"\xff"}',
    "an empty body": lambda n: b"",
    "blanks": lambda n: b" \r\n ",
    "a list": lambda n: [],
    "a list of bodies": lambda n: [body(n)],
    "null": lambda n: None,
    "an empty object": lambda n: {},
    "NaN": lambda n: json.dumps(body(n, name=float("nan"))).encode(),
    "deep nesting": lambda n: b"[" * 4_000,
    "half a surrogate pair": lambda n: json.dumps(body(n)).replace("Peserta", "\\ud800").encode(),
    "a byte order mark": lambda n: b"\xef\xbb\xbf" + json.dumps(body(n)).encode(),
    "a number as a name": lambda n: body(n, name=7),
    "a blank name": lambda n: body(n, name="  "),
    "an over-long name": lambda n: body(n, name="x" * 121),
    "a null character": lambda n: body(n, name="a\0b"),
    "an unknown field": lambda n: body(n, surname="x"),
    "an unknown field with a slash": lambda n: body(n, **{"a/b~c": "x"}),
    "no region": lambda n: body(n, region=None),
    "a region that is null": lambda n: body(n) | {"region": None},
    "an unknown region": lambda n: body(n, region="31.71.01.9999"),
    "a district": lambda n: body(n, region="31.71.01"),
    "a NIK of 15 digits": lambda n: body(n, nik="319901410190000"),
    "a NIK with an impossible date": lambda n: body(n, nik="3199013202900000"),
    "a NIK as a number": lambda n: body(n, nik=3199014101900000),
    "an impossible phone number": lambda n: body(n, phone="+62"),
    "an unknown category": lambda n: body(n, business={"name": "Warung", "category": "x"}),
    "a business without a name": lambda n: body(n, business={"category": "jasa"}),
    "a business as text": lambda n: body(n, business="Warung"),
    "an unknown campaign": lambda n: body(n, campaign="none"),
    "an unknown agency": lambda n: body(n, agency="none"),
    "an unknown campaign and agency": lambda n: body(n, campaign="none", agency="none"),
    "an unknown consent": lambda n: body(n, consent="1999-01"),
    "a malformed booth": lambda n: body(n, booth="booth 7"),
    "a time in the future": lambda n: body(n, occurred_at="2999-01-01T00:00:00Z"),
    "a time too long ago": lambda n: body(n, occurred_at="2014-12-31T00:00:00Z"),
    "a time without an offset": lambda n: body(n, occurred_at="2021-10-24T19:04:58"),
    "a time as a number": lambda n: body(n, occurred_at=1),
    "many invalid fields": lambda n: body(n, name="", nik="1", region="x", consent="y", campaign="z"),
}
INVALID: Final[dict[str, Requests]] = {
    **{
        name: lambda n, content=content: [post(content(n)), post(content(n), None, ENGLISH)]  # type: ignore[misc]  # binds the loop's value
        for name, content in INVALID_BODIES.items()
    },
    "a chunked invalid body": lambda n: [post(b"{", chunked=True)],
    "an announced body over the limit": lambda n: [
        post(json.dumps(body(n)).encode().ljust(BODY_BYTES_MAX + 1))
    ],
    "a chunked body over the limit": lambda n: [
        post(json.dumps(body(n)).encode().ljust(BODY_BYTES_MAX + 1), chunked=True),
        post(json.dumps(body(n)).encode().ljust(BODY_BYTES_MAX + 1), None, ENGLISH, chunked=True),
    ],
    "a body over the limit in English": lambda n: [post(b" " * (BODY_BYTES_MAX + 1), None, ENGLISH)],
    "a valid body at the limit": lambda n: [post(json.dumps(body(n)).encode().ljust(BODY_BYTES_MAX))],
}
HEADERS: Final[dict[str, Requests]] = {
    "an unknown API key": lambda n: _variants({"Authorization": UNKNOWN_KEY}, n),
    "a revoked API key": lambda n: [post(body(n), "revoked"), post(b"{", "revoked", ENGLISH)],
    "a malformed API key": lambda n: _variants({"Authorization": "Bearer jak_0_0"}, n),
    "no API key after the scheme": lambda n: _variants({"Authorization": "Bearer"}, n),
    "another scheme": lambda n: _variants({"Authorization": "Basic Zm9v"}, n),
    "an unknown API key and a chunked body over the limit": lambda n: [
        post(b" " * (BODY_BYTES_MAX + 1), None, {"Authorization": UNKNOWN_KEY}, chunked=True)
    ],
    "an unknown API key and an announced body over the limit": lambda n: [
        post(b" " * (BODY_BYTES_MAX + 1), None, {"Authorization": UNKNOWN_KEY})
    ],
    "a malformed idempotency key and an invalid body": lambda n: [keyed(b"{", "two words")],
    "an empty idempotency key": lambda n: _variants({"Idempotency-Key": ""}, n),
    "an idempotency key with a blank": lambda n: _variants({"Idempotency-Key": "two words"} | ENGLISH, n),
    "an over-long idempotency key": lambda n: _variants({"Idempotency-Key": "x" * 201}, n),
    "an idempotency key in Latin-1": lambda n: _variants({"Idempotency-Key": "\xe9"}, n),
    "an If-Match": lambda n: [post(body(n), headers={"If-Match": '"1"'})],
    "an If-Match for every revision": lambda n: [post(body(n), headers={"If-Match": "*"})],
    "a malformed If-Match": lambda n: _variants({"If-Match": "one"}, n),
    "an unknown API key and a malformed If-Match": lambda n: [
        post(b"{", None, {"Authorization": UNKNOWN_KEY, "If-Match": "one"})
    ],
}
OTHER_ROUTES: Final[dict[str, Requests]] = {
    **{
        method: lambda n, method=method: [post(b"")._replace(method=method)]  # type: ignore[misc]  # binds the loop's value
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
    },
    "a path with a slash at its end": lambda n: [post(body(n), path=f"{PATH}/")],
    "a path in capitals": lambda n: [post(body(n), path=PATH.upper())],
}
"""Requests that `POST /v1/participants` does not answer."""
REQUESTS: Final = VALID | IDEMPOTENT | INVALID | HEADERS | OTHER_ROUTES
