import pytest

from registration.regions import Region, RegionFault, Regions, read_regions
from settings.contract_files import contract_path

REGIONS = read_regions(contract_path("regions.csv"))


def test_exactly_the_kelurahan_are_valid_for_participants() -> None:
    valid = [code for code in REGIONS.by_code if REGIONS.fault(code) is None]

    assert len(valid) == 267
    assert {REGIONS.by_code[code].level for code in valid} == {"subdistrict"}


@pytest.mark.parametrize("code", ["31", "31.71", "31.71.01"])
def test_a_region_above_a_kelurahan_has_another_fault_than_an_unknown_code(code: str) -> None:
    assert REGIONS.fault(code) is RegionFault.NOT_KELURAHAN
    assert REGIONS.fault(code + ".99") is RegionFault.UNKNOWN


def test_every_region_but_the_province_is_a_child_of_its_parent() -> None:
    for region in REGIONS.by_code.values():
        if region.parent is not None:
            assert region in REGIONS.children(region.parent)
            assert region.code.startswith(region.parent + ".")


def test_a_name_of_two_kelurahan_needs_the_region_above_it() -> None:
    regions = Regions(
        [
            Region("31", None, "province", "Jakarta"),
            Region("31.01", "31", "city", "Kota Administrasi Timur"),
            Region("31.02", "31", "city", "Kota Administrasi Barat"),
            Region("31.01.01.1001", "31.01", "subdistrict", "Melati"),
            Region("31.02.01.1001", "31.02", "subdistrict", "Melati"),
        ]
    )

    assert regions.codes_of("Melati") == ["31.01.01.1001", "31.02.01.1001"]
    assert regions.codes_of("Melati (Barat)") == ["31.02.01.1001"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Cempaka Putih", ["Rawasari", "Cempaka Putih Timur", "Cempaka Putih Barat"]),
        ("cikinni", ["Cikini"]),
        ("Pejaten", ["Pejaten Barat", "Pejaten Timur"]),
        ("Kec. Johar Baru, Jakarta", ["Johar Baru", "Kampung Rawa", "Tanah Tinggi", "Galur"]),
        ("Jakarta", []),
        ("a", []),
        ("Bandung", []),
        ("-", []),
        ("", []),
    ],
)
def test_the_candidates_are_the_kelurahan_that_a_text_may_mean(text: str, names: list[str]) -> None:
    assert {REGIONS.by_code[code].name for code in REGIONS.candidates(text)} == set(names)


def test_the_candidates_of_an_ambiguous_name_are_its_kelurahan() -> None:
    regions = Regions(
        [
            Region("31.01.01", None, "district", "Kecamatan Timur"),
            Region("31.01.02", None, "district", "Kecamatan Barat"),
            Region("31.01.01.1001", "31.01.01", "subdistrict", "Melati"),
            Region("31.01.02.1001", "31.01.02", "subdistrict", "Melati"),
            Region("31.01.02.1002", "31.01.02", "subdistrict", "Melati Indah"),
        ]
    )

    assert regions.candidates("melati") == ["31.01.01.1001", "31.01.02.1001"]
