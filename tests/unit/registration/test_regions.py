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
