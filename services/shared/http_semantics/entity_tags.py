"""Makes entity tags, and compares them with the headers If-None-Match and If-Match.

Source: RFC 9110, 8.8.3 (ETag), 13.1.1 (If-Match) and 13.1.2 (If-None-Match).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

_DIGEST_BYTES: Final = 12
_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_REVISION: Final = re.compile(r'(?:(?:W/)?"(\d{1,9})"|(\d{1,9}))')


def weak_tag(*parts: bytes) -> str:
    """Return a weak tag, which is the same for the same parts on every replica.

    Responses with the same weak tag have the same meaning, but can differ in bytes.
    """
    return f"W/{strong_tag(*parts)}"


def strong_tag(*parts: bytes) -> str:
    """Return a strong tag: the parts together are the content of the response."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        digest.update(part)
    return f'"{digest.hexdigest()}"'


def is_known(tag: str, if_none_match: Iterable[str]) -> bool:
    """Return whether the client has the response with this tag, so that 304 suffices.

    `if_none_match` has the values of all such headers: lists of tags, or `*`. The comparison is weak.
    """
    value = ",".join(if_none_match)
    opaque = tag.removeprefix("W/")
    return value.strip() == "*" or any(known.removeprefix("W/") == opaque for known in _TAG.findall(value))


def revision_of(if_match: str) -> int | None:
    """Return the revision that is the tag in If-Match; None if the header is not one revision.

    A weak tag and a number without quotes are accepted as well. RFC 9110 asks for a strong comparison, which
    a weak tag always fails. But a proxy that compresses a response makes its tag weak, and a revision means
    the same state of a participant in every encoding.
    """
    match = _REVISION.fullmatch(if_match.strip())
    return None if match is None else int(match.group(1) or match.group(2))
