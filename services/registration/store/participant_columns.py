"""Derives the columns of the table `participant` from the fields of `Participant`, `Standing` and `Person`.

The SQL files name these columns only by the fragments that `sql_fragments` returns. So the statements insert,
update, read and erase a new field of `Person` without a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple, get_args, get_type_hints
from uuid import UUID

import msgspec

from registration.domain.commands import RegisterCommand
from registration.domain.participant import Participant, Status
from registration.store.array_literals import booleans, byteas, integers, joined_texts, texts, times, uuids

COLUMN_NAMES: Final = {"status": "standing"}
"""The fields whose column has another name."""
JSON_FIELDS: Final = frozenset({"person.business"})
KEPT_BY_ERASURE: Final = frozenset({"person.booth", "person.occurred_at"})
"""The optional fields of a person that are no personal data. An erasure sets all others to null."""
WITH_DEFAULTS: Final = frozenset({"status", "revision", "merged_into"})
"""The fields that have the table's defaults in a new participant."""
NIK: Final = "person.nik_hmac"
"""The fingerprint of the NIK. It never changes, except that an erasure deletes it."""


class Column(NamedTuple):
    """A column of the table `participant`.

    `field` is the path of its field in a participant, such as `person.name`. `encode` returns an array
    literal of its values, and `sql_type` is the type of the array's elements.
    """

    name: str
    field: str
    optional: bool
    sql_type: str
    encode: Callable[[Sequence[Any]], str]

    @property
    def parameter(self) -> str:
        """The parameter that contains the column's array literal."""
        return f":{self.name}::text::{self.sql_type}[]"

    @property
    def new_value(self) -> str:
        """The column's value in a row of the parameters' elements."""
        # A list is sent as a text, because unnest() would flatten an array of arrays.
        return f"string_to_array(new.{self.name}, ',')" if self.encode is joined_texts else f"new.{self.name}"

    @property
    def result(self) -> str:
        """The column in the result of a query."""
        return f"{self.name}::text as {self.name}" if self.sql_type == "jsonb" else self.name


_ENCODINGS: Final[dict[Any, tuple[str, Callable[[Sequence[Any]], str]]]] = {
    UUID: ("uuid", uuids),
    Status: ("text", texts),
    str: ("text", texts),
    int: ("integer", integers),
    bool: ("boolean", booleans),
    bytes: ("bytea", byteas),
    datetime: ("timestamptz", times),
    tuple[str, ...]: ("text", joined_texts),
}


def columns_of(struct: type[msgspec.Struct], path: str = "") -> list[Column]:
    """Return the columns of a struct's fields. `path` is the path of the struct in a participant."""
    columns: list[Column] = []
    for name, hint in get_type_hints(struct).items():
        field = path + name
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            columns += columns_of(hint, f"{field}.")
            continue
        optional = type(None) in get_args(hint)
        sql_type, encode = _ENCODINGS[get_args(hint)[0] if optional else hint]
        if field in JSON_FIELDS:
            sql_type = "jsonb"
        columns.append(Column(COLUMN_NAMES.get(field, name), field, optional, sql_type, encode))
    return columns


def new_columns(columns: Iterable[Column]) -> list[Column]:
    """Return the columns that the insertion of a participant sets."""
    return [column for column in columns if column.field not in WITH_DEFAULTS]


def changed_columns(columns: Iterable[Column]) -> list[Column]:
    """Return the id, and the columns that the update of a participant sets."""
    return [column for column in columns if column.field != NIK]


def erased_columns(columns: Iterable[Column]) -> list[Column]:
    """Return the columns that an erasure sets to null."""
    person = [column for column in columns if column.field.startswith("person.")]
    return [column for column in person if column.optional and column.field not in KEPT_BY_ERASURE]


def sql_fragments(columns: Sequence[Column]) -> dict[str, str]:
    """Return the lists of columns that the SQL files contain as `{name}`."""
    new, changed = new_columns(columns), changed_columns(columns)
    return {
        "all_columns": ", ".join(column.name for column in columns),
        "all_parameters": ", ".join(column.parameter for column in columns),
        "all_values": ", ".join(column.new_value for column in columns),
        "participant_columns": ", ".join(column.result for column in columns),
        "new_columns": ", ".join(column.name for column in new),
        "new_parameters": ", ".join(column.parameter for column in new),
        "new_values": ", ".join(column.new_value for column in new),
        "changed_columns": ", ".join(column.name for column in changed),
        "changed_parameters": ", ".join(column.parameter for column in changed),
        "changed_assignments": ", ".join(
            f"{column.name} = {column.new_value}" for column in changed if column.name != "id"
        ),
        "erased_assignments": ", ".join(f"{column.name} = null" for column in erased_columns(columns)),
    }


def encode(
    columns: Iterable[Column], participants: Sequence[Participant | RegisterCommand]
) -> dict[str, str]:
    """Return an array literal of each column, by the column's name. A new participant may be its command."""
    return {
        column.name: column.encode(list(map(attrgetter(column.field), participants))) for column in columns
    }


COLUMNS: Final = columns_of(Participant)
NEW_COLUMNS: Final = new_columns(COLUMNS)
CHANGED_COLUMNS: Final = changed_columns(COLUMNS)
