"""What each column may hold: the rules that the API has for the same field, asked for a column at once.

Asking column by column costs a fifth of asking for each row's body, and a value that stands in many rows (a
kelurahan, a campaign) is asked for once. A property test holds both ways of asking against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from registration.requests.request_models import Business, RegisterBody, Step, Vocabulary

CONFIG: Final = ConfigDict(strict=True, hide_input_in_errors=True)
STEP_SEPARATORS: Final = str.maketrans(";,|", "   ")

Steps = Annotated[tuple[Step, ...], Field(max_length=6)]


class ImportedBusiness(NamedTuple):
    """A business whose name and category are valid."""

    name: str
    category: str


class ImportedRegistration(NamedTuple):
    """A row whose cells are all valid, as a registration."""

    name: str
    nik: str
    region: str
    consent: str
    phone: str | None = None
    business: ImportedBusiness | None = None
    agency: str | None = None
    campaign: str | None = None
    booth: str | None = None
    occurred_at: datetime | None = None
    steps: tuple[str, ...] = ()


class Faults(NamedTuple):
    """What is wrong with a row: a stable code by column, the first one found in each."""

    by_column: Mapping[str, str]


def _adapter(model: Any, field: str) -> TypeAdapter[Any]:
    """The check of a list of one field of a body, optional or not: an empty cell never reaches it."""
    info = model.model_fields[field]
    annotation = info.annotation
    parts = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    if not info.is_required():
        (annotation,) = parts
    checked = Annotated[annotation, *info.metadata] if info.metadata else annotation
    return TypeAdapter(list[checked], config=CONFIG)  # type: ignore[valid-type]  # known only when it runs


_BODY_FIELDS: Final = (
    "name",
    "nik",
    "region",
    "consent",
    "phone",
    "agency",
    "campaign",
    "booth",
    "occurred_at",
)
_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    **{field: _adapter(RegisterBody, field) for field in _BODY_FIELDS},
    "business_name": _adapter(Business, "name"),
    "business_category": _adapter(Business, "category"),
    "steps": TypeAdapter(list[Steps], config=CONFIG),
}
_REQUIRED: Final = tuple(name for name, field in RegisterBody.model_fields.items() if field.is_required())
_TRADE: Final = ("business_name", "business_category")

Column = list[Any]
FaultsByRow = dict[int, dict[str, str]]


def validate_columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], vocabulary: Vocabulary
) -> list[ImportedRegistration | Faults]:
    """Each row as a registration, or what is wrong with it. Every row has a cell for each name."""
    faults: FaultsByRow = {}
    columns: dict[str, Column] = {}
    for name, cells in zip(names, zip(*rows, strict=True), strict=False):
        columns[name] = _checked(name, [cell.strip() for cell in cells], vocabulary, faults)
    for name in _REQUIRED:
        _require(name, range(len(rows)), columns[name] if rows else [], faults)
    columns["business"] = _trades(columns, len(rows), faults)
    empty: Column = [None] * len(rows)
    steps = [each or () for each in columns.get("steps", empty)]
    inputs = [steps if name == "steps" else columns.get(name, empty) for name in ImportedRegistration._fields]
    made: list[ImportedRegistration | Faults] = [
        ImportedRegistration(*values) for values in zip(*inputs, strict=True)
    ]
    for place, by_column in faults.items():
        made[place] = Faults(by_column)
    return made


def _checked(name: str, cells: Sequence[str], vocabulary: Vocabulary, faults: FaultsByRow) -> Column:
    """The values of a column; None where a cell is empty, or wrong: then its fault is noted."""
    distinct = [cell for cell in dict.fromkeys(cells) if cell]
    wrong: dict[str, str] = {}
    try:
        valid = _values(name, distinct, vocabulary)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            wrong.setdefault(distinct[int(fault["loc"][0])], str(fault["type"]))
        valid = _values(name, [cell for cell in distinct if cell not in wrong], vocabulary)
    if wrong:
        for place, cell in enumerate(cells):
            if cell in wrong:
                faults.setdefault(place, {})[name] = wrong[cell]
    return [valid.get(cell) for cell in cells]


def _values(name: str, cells: Sequence[str], vocabulary: Vocabulary) -> dict[str, Any]:
    """What the cells stand for. Raises ValidationError with the place of each that is wrong."""
    given: list[Any] = [*cells]
    if name == "steps":
        given = [tuple(cell.translate(STEP_SEPARATORS).split()) for cell in cells]
    values = _ADAPTERS[name].validate_json(msgspec.json.encode(given), context=vocabulary)
    if name == "steps":
        values = [tuple(sorted(set(each))) for each in values]
    return dict(zip(cells, values, strict=True))


def _require(name: str, places: Iterable[int], column: Column, faults: FaultsByRow) -> None:
    """Note as missing what is neither there nor wrong."""
    if None in column:
        for place in places:
            if column[place] is None:
                faults.setdefault(place, {}).setdefault(name, "missing")


def _trades(columns: Mapping[str, Column], count: int, faults: FaultsByRow) -> Column:
    """Name and category of each business: both are there, or neither."""
    empty: Column = [None] * count
    names, categories = (columns.get(name, empty) for name in _TRADE)
    begun = [
        place
        for place, (name, category) in enumerate(zip(names, categories, strict=True))
        if (name is None) != (category is None)
    ]
    begun += [place for place, wrong in faults.items() if any(name in wrong for name in _TRADE)]
    _require("business_name", begun, names, faults)
    _require("business_category", begun, categories, faults)
    return [
        name and ImportedBusiness(name, category) for name, category in zip(names, categories, strict=True)
    ]
