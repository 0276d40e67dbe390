"""Validates the columns of a chunk by the rules that the API has for the same fields.

Validating whole columns costs a fifth of validating every row as a request body. A value that occurs in many
rows of the chunk (a kelurahan, a campaign) is validated once. A property test compares the results with those
of the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from registration.domain.written_text import visible
from registration.imports.spreadsheets import cell_placeholders
from registration.regions import RegionFault, Regions
from registration.requests.request_models import Business, RegisterBody, Step, Vocabulary

CONFIG: Final = ConfigDict(strict=True, hide_input_in_errors=True)
EMPTY_MARKS: Final = frozenset(
    {"-", "--", "\u2013", "\u2014", "n/a", "null", "nan", "none", "tidak ada", "nihil"}
)
"""What people and programs write into an optional cell that has no value, in lower case."""
REGISTRATION_STEP: Final = "P1"
AMBIGUOUS: Final = "region_ambiguous"
MARKED: Final = {cell_placeholders.MERGED: "cell_merged", cell_placeholders.NO_VALUE: "formula_without_value"}
"""The codes of cells of a spreadsheet that have no value of their own."""
DEFUSED: Final = re.compile(r"'[=+@\t\r-]")
"""The start of a cell of a report, marked as text so that no spreadsheet program computes it."""
FIRST_OF_MONTH: Final = re.compile(r"^([0-9]{4}-[0-9]{2})-01T00:00:00\+07:00$")
"""What a spreadsheet program makes of the id of a consent, such as `2026-01`: the first day of the month."""
STEP_SEPARATORS: Final = str.maketrans(";,|", "   ")

Steps = Annotated[tuple[Step, ...], Field(max_length=6)]


class ImportedBusiness(NamedTuple):
    """A business whose name and category are valid."""

    name: str
    category: str


ImportedRegistration: Final[type[Any]] = msgspec.defstruct(
    "ImportedRegistration",
    [
        *((name, Any) for name, field in RegisterBody.model_fields.items() if field.is_required()),
        *((name, Any, None) for name, field in RegisterBody.model_fields.items() if not field.is_required()),
        ("steps", Any, ()),
    ],
    frozen=True,
)
"""A row whose cells are all valid: the fields of a `RegisterBody`, and the steps."""


class InvalidRow(NamedTuple):
    """A row with invalid cells. `by_column` has the code of the first fault of each invalid column."""

    by_column: Mapping[str, str]


def _adapter(model: Any, field: str) -> TypeAdapter[Any]:
    """Build a validator for lists of one field's values. Empty cells must be left out of the lists."""
    info = model.model_fields[field]
    annotation = info.annotation
    parts = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    if not info.is_required():
        (annotation,) = parts
    element = Annotated[annotation, *info.metadata] if info.metadata else annotation
    return TypeAdapter(list[element], config=CONFIG)  # type: ignore[valid-type]  # a type built at runtime


_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    **{field: _adapter(RegisterBody, field) for field in RegisterBody.model_fields if field != "business"},
    "business_name": _adapter(Business, "name"),
    "business_category": _adapter(Business, "category"),
    "steps": TypeAdapter(list[Steps], config=CONFIG),
}
COLUMNS: Final = frozenset(_ADAPTERS)
"""The columns that a file may have."""
REQUIRED: Final = tuple(name for name, field in RegisterBody.model_fields.items() if field.is_required())
_BUSINESS_COLUMNS: Final = ("business_name", "business_category")

Column = list[Any]
FaultsByRow = dict[int, dict[str, str]]


def validate_columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], vocabulary: Vocabulary
) -> list[Any]:
    """Return, for each row, its ImportedRegistration, or an InvalidRow. `names` are the column names.

    Every row must have a cell for each name. Names that are not in COLUMNS are left out.
    """
    faults: FaultsByRow = {}
    columns: dict[str, Column] = {}
    for name, cells in zip(names, zip(*rows, strict=True), strict=False):
        if name not in COLUMNS:
            continue
        texts = [cell.strip() if cell.isascii() else visible(cell).strip() for cell in cells]
        columns[name] = _validate_column(name, texts, vocabulary, faults)
    for name in REQUIRED:
        _require(name, range(len(rows)), columns[name] if rows else [], faults)
    columns["business"] = _businesses(columns, len(rows), faults)
    empty: Column = [None] * len(rows)
    steps = [cell or () for cell in columns.get("steps", empty)]
    inputs = [
        steps if name == "steps" else columns.get(name, empty)
        for name in ImportedRegistration.__struct_fields__
    ]
    results: list[Any] = [ImportedRegistration(*values) for values in zip(*inputs, strict=True)]
    for index, by_column in faults.items():
        results[index] = InvalidRow(by_column)
    return results


def _validate_column(name: str, cells: Sequence[str], vocabulary: Vocabulary, faults: FaultsByRow) -> Column:
    """Return each cell's value; None if it is empty or invalid. Adds the column's faults to `faults`."""
    distinct = [cell for cell in dict.fromkeys(cells) if cell]
    if name not in REQUIRED:
        distinct = [cell for cell in distinct if cell.casefold() not in EMPTY_MARKS]
    invalid = {cell: MARKED[cell] for cell in distinct if cell in MARKED}
    distinct = [cell for cell in distinct if cell not in MARKED]
    if name == "region":
        distinct, unresolved = _unambiguous(distinct, vocabulary.regions)
        invalid |= unresolved
    try:
        valid = _values(name, distinct, vocabulary)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            invalid.setdefault(distinct[int(fault["loc"][0])], str(fault["type"]))
        valid = _values(name, [cell for cell in distinct if cell not in invalid], vocabulary)
    if invalid:
        for index, cell in enumerate(cells):
            if cell in invalid:
                faults.setdefault(index, {})[name] = invalid[cell]
    return [valid.get(cell) for cell in cells]


def _values(name: str, cells: Sequence[str], vocabulary: Vocabulary) -> dict[str, Any]:
    """Return each cell's valid value.

    If any cells are invalid, raises a ValidationError that contains their indices.
    """
    inputs: list[Any] = [cell[1:] if cell[0] == "'" and DEFUSED.match(cell) else cell for cell in cells]
    match name:
        case "steps":
            inputs = [_steps(cell) for cell in cells]
        case "business_category":
            inputs = [cell.casefold() for cell in cells]
        case "consent":
            inputs = [FIRST_OF_MONTH.sub(r"\1", cell) for cell in cells]
        case "region":
            inputs = [vocabulary.regions.codes_of(cell)[0] for cell in cells]
    values = _ADAPTERS[name].validate_json(msgspec.json.encode(inputs), context=vocabulary)
    if name == "steps":
        values = [tuple(sorted(set(steps))) for steps in values]
    return dict(zip(cells, values, strict=True))


def _steps(cell: str) -> tuple[str, ...]:
    """Return the steps that a cell names. Everybody who registers has completed P1, so it is left out."""
    steps = cell.upper().translate(STEP_SEPARATORS).split()
    return tuple(step for step in steps if step != REGISTRATION_STEP)


def _unambiguous(cells: Sequence[str], regions: Regions) -> tuple[list[str], dict[str, str]]:
    """Return the cells that mean one region, and the faults of the others."""
    invalid = {
        cell: AMBIGUOUS if codes else RegionFault.UNKNOWN.value
        for cell in cells
        if len(codes := regions.codes_of(cell)) != 1
    }
    return [cell for cell in cells if cell not in invalid], invalid


def _require(name: str, indices: Iterable[int], column: Column, faults: FaultsByRow) -> None:
    """Add the fault `missing` for each of these rows whose cell in the column is empty."""
    if None in column:
        for index in indices:
            if column[index] is None:
                faults.setdefault(index, {}).setdefault(name, "missing")


def _businesses(columns: Mapping[str, Column], count: int, faults: FaultsByRow) -> Column:
    """Return the business of each row; None for a row without one.

    Adds the fault `missing` to a row that has only one of name and category.
    """
    empty: Column = [None] * count
    names, categories = (columns.get(name, empty) for name in _BUSINESS_COLUMNS)
    incomplete = [
        index
        for index, (name, category) in enumerate(zip(names, categories, strict=True))
        if (name is None) != (category is None)
    ]
    incomplete += [
        index for index, invalid in faults.items() if any(name in invalid for name in _BUSINESS_COLUMNS)
    ]
    _require("business_name", incomplete, names, faults)
    _require("business_category", incomplete, categories, faults)
    return [
        name and ImportedBusiness(name, category) for name, category in zip(names, categories, strict=True)
    ]
