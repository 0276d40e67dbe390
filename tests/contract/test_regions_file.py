"""regions.csv lists the same regions of the province as the decree, each with a parent in the file."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter

from tests.support.contract_documents import CONTRACT

FILE = CONTRACT / "regions.csv"
# The hash of the file that contract/generate_regions.py writes. `generate_regions.py --check` compares the
# file with the pinned package from which it is generated.
SHA256 = "9ade630efc97b88b2e3bf0d2d54077cbad9a703615c9db0938974b216d9ce341"
SHAPES = {
    "province": r"31",
    "city": r"31\.\d\d",
    "district": r"31\.\d\d\.\d\d",
    "subdistrict": r"31\.\d\d\.\d\d\.\d{4}",
}


def regions() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_is_the_generated_one() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA256


def test_there_are_one_province_six_cities_44_districts_and_267_subdistricts() -> None:
    levels = Counter(region["level"] for region in regions())

    assert levels == {"province": 1, "city": 6, "district": 44, "subdistrict": 267}


def test_every_region_has_a_code_of_its_level_a_name_and_an_earlier_parent() -> None:
    seen: set[str] = set()
    for region in regions():
        assert re.fullmatch(SHAPES[region["level"]], region["code"]), region
        assert region["name"].strip() == region["name"] != ""
        assert region["parent"] == region["code"].rpartition(".")[0]
        assert region["parent"] in seen or region["level"] == "province"
        assert region["code"] not in seen
        seen.add(region["code"])


def test_no_region_uses_the_code_31_00_of_unknown_regions() -> None:
    assert "31.00" not in {region["code"] for region in regions()}
