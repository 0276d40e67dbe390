"""Board and notifier take the names of regions and measures from one list."""

from __future__ import annotations

import pytest

from board.regions import load_regions
from localization.measure_names import counted
from localization.region_names import EVERYDAY_NAMES, UNPLACED, everyday_name, load_region_names
from settings.contract_files import contract_path

REGIONS_FILE = contract_path("regions.csv")
NAMES = load_region_names(REGIONS_FILE)


@pytest.mark.parametrize(
    ("code", "indonesian", "english"),
    [
        ("31", "DKI Jakarta", "DKI Jakarta"),
        ("31.01", "Kepulauan Seribu", "the Thousand Islands"),
        ("31.71", "Jakarta Pusat", "Central Jakarta"),
        ("31.71.01", "Kecamatan Gambir", "Gambir district"),
        ("31.71.01.1001", "Kelurahan Gambir", "Gambir sub-district"),
        (UNPLACED, "wilayah belum dikenal", "areas not yet known"),
        ("31.99.01", "31.99.01", "31.99.01"),
    ],
)
def test_a_region_is_named_inside_a_sentence(code: str, indonesian: str, english: str) -> None:
    assert NAMES.in_sentence(code, "id") == indonesian
    assert NAMES.in_sentence(code, "en") == english


def test_every_province_and_city_has_an_everyday_name_and_the_board_shows_it() -> None:
    large = [region for region in load_regions(REGIONS_FILE) if region.level in ("province", "city")]

    assert {region.code for region in large} | {UNPLACED} == EVERYDAY_NAMES.keys()
    assert all(region.name == EVERYDAY_NAMES[region.code]["id"] for region in large)


def test_a_region_without_an_everyday_name_has_its_official_name() -> None:
    assert everyday_name("31.71.01", "Gambir", "en") == "Gambir"


def test_a_measure_is_named_with_its_step() -> None:
    assert counted("registered", "en") == "registered participants"
    assert counted("step:P2", "id") == "peserta selesai P2 (pelatihan)"
    assert counted("step:P9", "id") == "step:P9"
