"""Decides whether every value of one JSON schema is valid by another, and says where it is not.

Values that clients read are of the new schema and must be valid by the old one; values that they write are of
the old schema and must be valid by the new one. What the comparison does not understand must be equal, so it
can report too much, but misses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from checks.surface.compatibility.schema_documents import Documents, Schema, alternatives

LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
COMPARED: Final = frozenset(
    {"type", "const", "enum", "default", "properties", "required", "additionalProperties", "items"}
    | {"prefixItems", "if", "then", "else", "allOf", *LOWER_BOUNDS, *UPPER_BOUNDS}
)
"""The keywords with a rule of their own; all others must be equal."""
NUMBERS: Final = frozenset({"integer", "number"})
ONLY_FOR: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), frozenset({"string"})),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems"), frozenset({"array"})),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
}
"""The types on which a keyword has an effect."""


@dataclass(frozen=True)
class Change:
    """The documents before and after a change, and whether clients read the compared values or write them."""

    old: Documents
    new: Documents
    is_read: bool

    def breaks(self, old: Any, new: Any, path: str) -> Iterator[str]:
        """Yield a line for each way in which values of the changed schema break clients."""
        before, after = alternatives(old, self.old), alternatives(new, self.new)
        narrow, wide = (after, before) if self.is_read else (before, after)
        for schema in narrow:
            found = [list(self._excluded(schema, other, path)) for other in wide]
            if all(found):
                # The alternative of the same type says best what has changed.
                same_type = [
                    lines
                    for lines, other in zip(found, wide, strict=True)
                    if other.get("type") == schema.get("type")
                ]
                yield from min(same_type or found, key=len)

    def _excluded(self, narrow: Schema, wide: Schema, path: str) -> Iterator[str]:
        """Yield a line for each reason for which a value of `narrow` may be invalid by `wide`."""
        if not _is_type_within(narrow.get("type"), wide.get("type")):
            yield self._line(path, "type", narrow, wide)
            return
        yield from self._values(narrow, wide, path)
        yield from self._keywords(narrow, wide, path)
        yield from self._objects(narrow, wide, path)
        yield from self._arrays(narrow, wide, path)
        yield from self._conditions(narrow, wide, path)

    def _values(self, narrow: Schema, wide: Schema, path: str) -> Iterator[str]:
        if "const" in wide and narrow.get("const", narrow.get("enum")) not in (
            wide["const"],
            [wide["const"]],
        ):
            yield self._line(path, "const", narrow, wide)
        if "enum" in wide:
            values = [narrow["const"]] if "const" in narrow else narrow.get("enum")
            # Readers ignore values that they do not know.
            if values is None or not (self.is_read or all(value in wide["enum"] for value in values)):
                yield self._line(path, "enum", narrow, wide)

    def _keywords(self, narrow: Schema, wide: Schema, path: str) -> Iterator[str]:
        for keyword, required in wide.items():
            found = narrow.get(keyword)
            if wide.get("type") not in ONLY_FOR.get(keyword, {wide.get("type")}):
                continue
            if keyword in LOWER_BOUNDS:
                fits = found is not None and found >= required
            elif keyword in UPPER_BOUNDS:
                fits = found is not None and found <= required
            else:
                fits = keyword in COMPARED or found == required
            if not fits:
                yield self._line(path, keyword, narrow, wide)
        before, after = (wide, narrow) if self.is_read else (narrow, wide)
        if (
            not self.is_read
            and "default" in after
            and before.get("default", after["default"]) != after["default"]
        ):
            yield self._line(path, "default", narrow, wide)

    def _objects(self, narrow: Schema, wide: Schema, path: str) -> Iterator[str]:
        before, after = (wide, narrow) if self.is_read else (narrow, wide)
        known, present = before.get("properties", {}), after.get("properties", {})
        for name in known:
            if name in present:
                yield from self.breaks(known[name], present[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}: removed"
        for name in sorted({*wide.get("required", ())} - {*narrow.get("required", ())}):
            yield f"{path}.{name}: {'may be missing' if self.is_read else 'required'} now"
        others, present_others = before.get("additionalProperties"), after.get("additionalProperties")
        if isinstance(others, dict):
            yield from self.breaks(others, {} if present_others is None else present_others, f"{path}.*")
            for name in present.keys() - known.keys():
                yield from self.breaks(others, present[name], f"{path}.{name}")
        elif present_others is False and others is not False and not self.is_read:
            yield f"{path}: fields that are not in the schema are refused now"

    def _arrays(self, narrow: Schema, wide: Schema, path: str) -> Iterator[str]:
        places = max(len(schema.get("prefixItems", ())) for schema in (narrow, wide))
        for index in range(places):
            yield from self._within(_item(narrow, index), _item(wide, index), f"{path}[{index}]")
        if "items" in wide:
            yield from self._within(narrow.get("items", {}), wide["items"], f"{path}[]")

    def _conditions(self, narrow: Schema, wide: Schema, path: str) -> Iterator[str]:
        if "if" in wide:
            if narrow.get("if") != wide["if"]:
                yield self._line(path, "if", narrow, wide)
                return
            for branch in ("then", "else"):
                yield from self._within(narrow.get(branch, {}), wide.get(branch, {}), f"{path} ({branch})")
        for condition in wide.get("allOf", ()):
            same = [other for other in narrow.get("allOf", ()) if other["if"] == condition["if"]]
            if not same:
                yield f"{path}: the condition {json.dumps(condition['if'])} is missing"
            for other in same:
                yield from self._within(other.get("then", {}), condition.get("then", {}), path)

    def _within(self, narrow: Any, wide: Any, path: str) -> Iterator[str]:
        yield from self.breaks(*((wide, narrow) if self.is_read else (narrow, wide)), path)

    def _line(self, path: str, keyword: str, narrow: Schema, wide: Schema) -> str:
        before, after = (wide, narrow) if self.is_read else (narrow, wide)
        return f"{path}: {keyword} {json.dumps(before.get(keyword))} -> {json.dumps(after.get(keyword))}"


def _is_type_within(narrow: str | None, wide: str | None) -> bool:
    return wide is None or narrow == wide or (narrow == "integer" and wide == "number")


def _item(schema: Schema, index: int) -> Any:
    """Return the schema of an array's item."""
    items = schema.get("prefixItems", ())
    return items[index] if index < len(items) else schema.get("items", {})
