import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from registration.regions import read_regions
from registration.requests.request_models import CorrectBody, RegisterBody, Vocabulary
from settings.contract_files import contract_path

NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)
VOCABULARY = Vocabulary(
    read_regions(contract_path("regions.csv")), {"2026-01"}, {"fest-2021"}, {"ppkukm"}, NOW
)
VALID: dict[str, Any] = {
    "name": "Peserta Contoh",
    "nik": "3199014101900000",
    "phone": "+628123456789",
    "region": "31.71.01.1001",
    "business": {"name": "Warung Contoh", "category": "kuliner"},
    "agency": "ppkukm",
    "campaign": "fest-2021",
    "booth": "booth-07",
    "consent": "2026-01",
    "occurred_at": "2021-10-24T19:04:58+07:00",
}
# For each case: the field, an invalid value and the code of the expected input fault.
INVALID: list[tuple[str, Any, str]] = [
    ("name", " ", "blank"),
    ("name", "", "string_too_short"),
    ("name", "a\u0000b", "control_characters"),
    ("name", "x" * 121, "string_too_long"),
    ("name", 7, "string_type"),
    ("name", None, "string_type"),
    ("nik", "319901410190000", "nik_digits"),
    ("nik", "3199014113900000", "nik_date"),
    ("nik", 3199014101900000, "string_type"),
    ("phone", "08", "phone"),
    ("region", "31.71.01", "region_not_kelurahan"),
    ("region", "31.71.01.9999", "region_unknown"),
    ("consent", "2020-01", "consent_unknown"),
    ("campaign", "none", "campaign_unknown"),
    ("agency", "none", "agency_unknown"),
    ("booth", "booth\n07", "string_pattern_mismatch"),
    ("occurred_at", "2021-10-24T19:15:01+07:00", "in_the_future"),
    ("occurred_at", "0001-01-01T00:00:00+14:00", "too_long_ago"),
    ("occurred_at", "2021-10-24T19:04:58", "occurred_at_format"),
    ("occurred_at", 1635077098, "occurred_at_format"),
    ("occurred_at", "1635077098", "occurred_at_format"),
    ("occurred_at", "44493.79", "occurred_at_format"),
    ("occurred_at", "24/10/2021 19:04", "occurred_at_format"),
    ("occurred_at", "2021-10-24", "occurred_at_format"),
    ("occurred_at", "2021-13-24T19:04:58Z", "occurred_at_format"),
    ("business", [], "model_type"),
    ("surname", "x", "extra_forbidden"),
]


def faults(model: Any, body: Any) -> set[tuple[str, str]]:
    try:
        model.model_validate_json(json.dumps(body), context=VOCABULARY)
    except ValidationError as error:
        return {(str(fault["loc"][0]), fault["type"]) for fault in error.errors(include_input=False)}
    return set()


def test_a_complete_body_is_valid() -> None:
    body = RegisterBody.model_validate_json(json.dumps(VALID), context=VOCABULARY)

    assert body.occurred_at == datetime(2021, 10, 24, 12, 4, 58, tzinfo=UTC)
    assert body.occurred_at.utcoffset() == timedelta(hours=7)


@pytest.mark.parametrize(
    "text",
    [
        "2021-10-24T19:04:58+07:00",
        "2021-10-24T19:04:58+07",
        "2021-10-24 19:04:58+0700",
        "20211024T190458+0700",
        "2021-10-24T12:04:58.000Z",
        "20211024T120458Z",
    ],
)
def test_all_forms_of_iso_8601_with_an_offset_are_the_same_time(text: str) -> None:
    body = RegisterBody.model_validate_json(json.dumps({**VALID, "occurred_at": text}), context=VOCABULARY)

    assert body.occurred_at == datetime(2021, 10, 24, 12, 4, 58, tzinfo=UTC)


def test_only_name_nik_region_and_consent_are_required() -> None:
    required = {field: VALID[field] for field in ("name", "nik", "region", "consent")}

    assert faults(RegisterBody, required) == set()
    for field in required:
        without = {name: value for name, value in required.items() if name != field}
        assert faults(RegisterBody, without) == {(field, "missing")}


@pytest.mark.parametrize(
    ("field", "value", "code"), INVALID, ids=[f"{field}-{code}" for field, _, code in INVALID]
)
def test_an_invalid_field_is_reported_with_its_code(field: str, value: Any, code: str) -> None:
    assert faults(RegisterBody, VALID | {field: value}) == {(field, code)}


@given(st.lists(st.sampled_from(INVALID), max_size=4, unique_by=lambda case: case[0]))
def test_all_invalid_fields_are_reported_together(invalid: list[tuple[str, Any, str]]) -> None:
    body = VALID | {field: value for field, value, _ in invalid}

    assert faults(RegisterBody, body) == {(field, code) for field, _, code in invalid}


@given(st.dictionaries(st.sampled_from(sorted(VALID)), st.text(max_size=6) | st.integers() | st.none()))
def test_no_fault_contains_the_value(changed: dict[str, Any]) -> None:
    secret = "rahasia-42"
    body = VALID | dict.fromkeys(changed, secret)
    try:
        RegisterBody.model_validate_json(json.dumps(body), context=VOCABULARY)
    except ValidationError as error:
        text = str(error) + json.dumps(error.errors(include_input=False, include_url=False), default=str)
        assert secret not in text


def test_names_and_phone_numbers_are_normalized() -> None:
    body = RegisterBody.model_validate_json(
        json.dumps(VALID | {"name": "  Siti   Contoh ", "phone": "0812-3456-789"}), context=VOCABULARY
    )

    assert body.name == "Siti Contoh"
    assert body.phone == "+628123456789"


def test_a_correction_is_not_empty_and_nulls_only_optional_fields() -> None:
    assert faults(CorrectBody, {"agency": None, "phone": None}) == set()
    assert faults(CorrectBody, {"name": None}) == {("name", "string_type")}
    with pytest.raises(ValidationError, match="Nothing to correct"):
        CorrectBody.model_validate_json("{}", context=VOCABULARY)
