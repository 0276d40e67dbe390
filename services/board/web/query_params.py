"""Query parameters of the board's HTTP interface, and the problem responses for unknown values."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Query

from board.regions import Regions
from board.state.counts import BoardState
from problems.problem import FieldError, Problem

SCOPE_PATTERN: Final = r"^(all|(campaign|agency):[A-Za-z0-9][A-Za-z0-9._-]{0,63})$"
REGION_PATTERN: Final = r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$"

Level = Literal["province", "city", "district", "subdistrict"]
ScopeQuery = Annotated[str, Query(pattern=SCOPE_PATTERN, description="all, campaign:<id> or agency:<id>")]
RegionQuery = Annotated[str, Query(pattern=REGION_PATTERN)]
ParentQuery = Annotated[str | None, Query(pattern=REGION_PATTERN)]


def require_scope(board_state: BoardState, scope: str) -> None:
    """Raise Problem 404 if the scope has neither a count nor a target."""
    if not board_state.has_scope(scope):
        raise _unknown(
            "scope",
            "unknown-scope",
            "Lingkup ini belum memiliki peserta.",
            "Nobody is counted in this scope yet.",
        )


def require_region(regions: Regions, code: str | None, field: str) -> None:
    """Raise Problem 404 if `code` is neither None nor the code of a known region."""
    if code is not None and code not in regions:
        raise _unknown(field, "unknown-region", "Wilayah ini tidak dikenal.", "This region is not known.")


def require_ready(board_state: BoardState) -> None:
    """Raise Problem 503 if there is no cut to show yet."""
    if not board_state.ready:
        title = {"id": "Angka belum tersedia.", "en": "There are no numbers yet."}
        raise Problem(503, "not-ready", title, headers={"Retry-After": "2"})


def too_many_viewers() -> Problem:
    """Return the problem for a request above the limit of open streams."""
    title = {"id": "Terlalu banyak penonton. Silakan coba lagi.", "en": "Too many viewers. Please try again."}
    return Problem(503, "too-many-viewers", title, headers={"Retry-After": "10"})


def _unknown(field: str, slug: str, indonesian: str, english: str) -> Problem:
    text = {"id": indonesian, "en": english}
    return Problem(404, slug, text, errors=[FieldError(f"/{field}", slug.replace("-", "_"), text)])
