"""What each column may hold: the rules that the API has for the same field, asked cell by cell.

Asking cell by cell costs a third of asking for the body as a whole, and cells that come again and again (a
kelurahan, a campaign) are remembered. A property test holds both ways of asking against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from registration.bodies import Business, RegisterBody, Step, Vocabulary

STRICT: Final = ConfigDict(strict=True, hide_input_in_errors=True)
STEP_SEPARATORS: Final = str.maketrans(";,|", "   ")
REMEMBERED_MAX: Final = 4_096

Steps = Annotated[tuple[Step, ...], Field(max_length=6)]


class Trade(NamedTuple):
    """A business whose name and category are valid."""

    name: str
    category: str


class Form(NamedTuple):
    """A row whose cells are all valid, as a registration."""

    name: str
    nik: str
    region: str
    consent: str
    phone: str | None = None
    business: Trade | None = None
    agency: str | None = None
    campaign: str | None = None
    booth: str | None = None
    occurred_at: datetime | None = None
    steps: tuple[str, ...] = ()


class Faults(NamedTuple):
    """What is wrong with a row: a stable code by column, the first one found in each."""

    by_column: Mapping[str, str]


def _adapter(model: Any, field: str) -> TypeAdapter[Any]:
    """The check of one field of a body, optional or not: an empty cell never reaches it."""
    info = model.model_fields[field]
    annotation = info.annotation
    parts = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    if not info.is_required():
        (annotation,) = parts
    return TypeAdapter(Annotated[annotation, *info.metadata] if info.metadata else annotation, config=STRICT)


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
}
_STEPS: Final[TypeAdapter[tuple[str, ...]]] = TypeAdapter(Steps, config=STRICT)
_TRADE: Final = frozenset({"business_name", "business_category"})
_FEW_VALUES: Final = frozenset(
    {"region", "consent", "agency", "campaign", "booth", "business_category", "steps"}
)
_REQUIRED: Final = tuple(name for name, field in RegisterBody.model_fields.items() if field.is_required())


class Columns:
    """Checks the rows of one chunk; what it remembers is valid for its vocabulary alone."""

    def __init__(self, names: Sequence[str], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._checks: list[tuple[str, Callable[[str], Any]]] = [
            (name, self._remembering(name) if name in _FEW_VALUES else self._check_of(name)) for name in names
        ]

    def form(self, cells: Sequence[str]) -> Form | Faults:
        """The row as a registration, or what is wrong with it. There must be as many cells as columns."""
        given: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for (name, check), cell in zip(self._checks, cells, strict=True):
            if value := cell.strip():
                try:
                    given[name] = check(value)
                except ValidationError as error:
                    faults[name] = _code(error)
        for name in _REQUIRED:
            if name not in given and name not in faults:
                faults[name] = "missing"
        if not _TRADE.isdisjoint(given) or not _TRADE.isdisjoint(faults):
            faults.update({name: "missing" for name in _TRADE if name not in given and name not in faults})
            given["business"] = Trade(given.pop("business_name", ""), given.pop("business_category", ""))
        return Faults(faults) if faults else Form(**given)

    def _check_of(self, name: str) -> Callable[[str], Any]:
        if name == "steps":
            return lambda cell: tuple(
                sorted(set(_STEPS.validate_python(tuple(cell.translate(STEP_SEPARATORS).split()))))
            )
        return partial(_ADAPTERS[name].validator.validate_strings, context=self._vocabulary)

    def _remembering(self, name: str) -> Callable[[str], Any]:
        check, known = self._check_of(name), dict[str, Any]()

        def remembered(cell: str) -> Any:
            value = known.get(cell)
            if value is None:
                value = check(cell)
                if len(known) < REMEMBERED_MAX:
                    known[cell] = value
            return value

        return remembered


def _code(error: ValidationError) -> str:
    return str(error.errors(include_url=False, include_context=False, include_input=False)[0]["type"])
