"""Parses a submitted form, and converts its fields to the JSON body of a registration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from registration.regions import Regions

FIELDS_MAX: Final = 50
COPIED: Final = ("name", "nik", "phone", "consent")


def form_fields(body: bytes) -> Mapping[str, str]:
    """Parse a body of type `application/x-www-form-urlencoded`; a missing field has an empty value.

    The candidate that a person has chosen, `region_choice`, replaces the text in the field `region`.
    """
    try:
        fields = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        fields = []
    parsed = defaultdict(str, {name: value.strip() for name, value in fields})
    if choice := parsed.pop("region_choice", ""):
        parsed["region"] = choice
    return parsed


def registration_body(fields: Mapping[str, str], regions: Regions) -> dict[str, Any]:
    """Return the form's fields as the JSON body of a registration, without the empty fields.

    A region may be given by its name. A name that does not mean exactly one region stays as it is, so that
    the validation of the body refuses it.
    """
    body: dict[str, Any] = {name: fields[name] for name in COPIED if fields[name]}
    if fields["region"]:
        codes = regions.codes_of(fields["region"])
        body["region"] = codes[0] if len(codes) == 1 else fields["region"]
    if fields["business_name"] or fields["category"]:
        body["business"] = {"name": fields["business_name"], "category": fields["category"]}
    return body
