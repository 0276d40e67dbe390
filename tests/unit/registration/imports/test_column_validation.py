"""The validation of an import's columns accepts and rejects the same values as the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from registration.imports.column_validation import ImportedRegistration, InvalidRow, validate_columns
from registration.regions import read_regions
from registration.requests.request_models import RegisterBody, Vocabulary
from settings.contract_files import contract_path

VOCABULARY = Vocabulary(
    read_regions(contract_path("regions.csv")),
    frozenset({"2026-01"}),
    frozenset({"fest-2021"}),
    frozenset({"ppkukm"}),
    datetime(2021, 10, 24, 12, tzinfo=UTC),
)
CELLS = {
    "name": ["Peserta Contoh", " Sri  ", "", "\u202eabc", "...", "x" * 121, "Tab\tinside"],
    "nik": ["3199014101900000", "3199010000000000", "319901410190000", "", "３１９９014101900000"],
    "region": ["31.71.01.1001", "31.71.01", "99", ""],
    "consent": ["2026-01", "1999-01", ""],
    "phone": ["+628123456789", "0812 3456 789", "12", ""],
    "business_name": ["Warung Contoh", "", "\x7f"],
    "business_category": ["kuliner", "warung", ""],
    "agency": ["ppkukm", "nobody", ""],
    "campaign": ["fest-2021", "", "fest"],
    "booth": ["booth-07", "booth 7", ""],
    "occurred_at": [
        "2021-10-24T19:04:58+07:00",
        "2021-10-24T19:04:58",
        "2021-10-24",
        "2021-10-24T12:10:01Z",
        "1999-01-01T00:00:00Z",
        "1635076800",
        "besok",
        "",
    ],
}
ROWS = st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in CELLS.items()})


def as_body(row: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: cell.strip() for name, cell in row.items() if cell.strip()}
    business = {
        field: body.pop(f"business_{field}") for field in ("name", "category") if f"business_{field}" in body
    }
    return body | ({"business": business} if business else {})


def validate_as_api(row: dict[str, str]) -> tuple[Any, dict[str, str]]:
    try:
        body = RegisterBody.model_validate_json(msgspec.json.encode(as_body(row)), context=VOCABULARY)
    except ValidationError as error:
        faults = {"_".join(map(str, fault["loc"])): fault["type"] for fault in error.errors()}
        return None, faults
    return body, {}


@given(ROWS)
@example({name: cells[0] for name, cells in CELLS.items()})
def test_a_row_has_exactly_the_faults_that_the_api_reports(row: dict[str, str]) -> None:
    body, faults = validate_as_api(row)

    (result,) = validate_columns(list(row), [list(row.values())], VOCABULARY)

    if isinstance(result, InvalidRow):
        assert result.by_column == faults
    else:
        assert not faults
        for field in (
            "name",
            "nik",
            "region",
            "consent",
            "phone",
            "agency",
            "campaign",
            "booth",
            "occurred_at",
        ):
            assert getattr(result, field) == getattr(body, field)
        business = result.business and (result.business.name, result.business.category)
        assert business == (body.business and (body.business.name, body.business.category))


VALID = {"name": "A", "nik": "3199014101900000", "region": "31.71.01.1001", "consent": "2026-01"}


def validated(**cells: str) -> Any:
    row = VALID | cells
    (result,) = validate_columns(list(row), [list(row.values())], VOCABULARY)
    return result


@pytest.mark.parametrize("mark", ["-", "\u2013", "tidak ada", "Tidak Ada", "N/A", "null", " - "])
def test_a_mark_for_nothing_in_an_optional_cell_means_empty(mark: str) -> None:
    result = validated(phone=mark, business_name=mark, business_category=mark, agency=mark, booth=mark)

    assert isinstance(result, ImportedRegistration)
    assert (result.phone, result.business, result.agency, result.booth) == (None, None, None, None)


def test_a_mark_for_nothing_in_a_required_cell_is_a_fault() -> None:
    assert validated(name="-") == InvalidRow({"name": "blank"})


@pytest.mark.parametrize(
    "region",
    [
        "3171011001",
        "Gambir",
        "GAMBIR",
        "Kelurahan Gambir",
        "Gambir, Jakarta Pusat",
        "Kel. Gambir, Kec. Gambir",
        "Gambir - Kota Adm. Jakarta Pusat",
        "\u200b31.71.01.1001",
    ],
)
def test_a_kelurahan_may_be_named_or_written_without_dots(region: str) -> None:
    assert validated(region=region).region == "31.71.01.1001"


@pytest.mark.parametrize("region", ["Gambir, Jakarta Timur", "Bandung", "3171019999", "31.7101.1001"])
def test_a_region_that_does_not_exist_is_a_fault(region: str) -> None:
    assert validated(region=region) == InvalidRow({"region": "region_unknown"})


def test_category_and_steps_may_have_any_case_and_p1_means_nothing() -> None:
    result = validated(business_name="Warung", business_category="Kuliner", steps="p1;P2;p3")

    assert result.business.category == "kuliner"
    assert result.steps == ("P2", "P3")


@given(
    st.lists(st.sampled_from(["P2", "P3", "P7"]), max_size=5), st.sampled_from([";", ",", " ", "|", " ; "])
)
def test_steps_are_split_at_any_separator_sorted_and_deduplicated(steps: list[str], separator: str) -> None:
    row = ["A", "3199014101900000", "31.71.01.1001", "2026-01", separator.join(steps)]

    (result,) = validate_columns(["name", "nik", "region", "consent", "steps"], [row], VOCABULARY)

    assert isinstance(result, ImportedRegistration)
    assert result.steps == tuple(sorted(set(steps)))


@given(st.lists(ROWS, max_size=4))
def test_a_row_has_the_same_result_alone_and_among_other_rows(rows: list[dict[str, str]]) -> None:
    names = list(CELLS)

    together = validate_columns(names, [[row[name] for name in names] for row in rows], VOCABULARY)

    assert together == [
        validate_columns(names, [[row[name] for name in names]], VOCABULARY)[0] for row in rows
    ]


def test_no_rows_give_no_results() -> None:
    assert validate_columns(["name", "nik", "region", "consent"], [], VOCABULARY) == []


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("consent", "2026-01-01T00:00:00+07:00", None),
        ("consent", "2026-01-02T00:00:00+07:00", "consent_unknown"),
        ("name", "'=Siti", None),
        ("phone", "#MERGED!", "cell_merged"),
        ("name", "#FORMULA!", "formula_without_value"),
    ],
)
def test_what_spreadsheets_and_reports_make_of_a_cell(column: str, cell: str, reason: str | None) -> None:
    row = VALID | {column: cell}

    (result,) = validate_columns(list(row), [list(row.values())], VOCABULARY)

    assert (result.by_column if isinstance(result, InvalidRow) else {}) == (
        {column: reason} if reason else {}
    )
