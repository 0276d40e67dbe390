"""Tests how the board reads regions and targets from their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from board.regions import lies_in, load_regions
from board.targets import InvalidTargetsError, load_targets
from localization.region_names import UNPLACED
from settings.contract_files import contract_path
from tests.support.samples.board_fixture import REGIONS


def test_cities_have_their_everyday_names() -> None:
    regions = load_regions(contract_path("regions.csv"))

    assert regions.get("31").name == "DKI Jakarta"
    assert regions.get("31.71").name == "Jakarta Pusat"
    assert regions.get("31.01").name == "Kepulauan Seribu"
    assert sum(1 for region in regions if region.level == "subdistrict") == 267


def test_an_unknown_code_still_has_a_level_and_a_parent() -> None:
    unplaced = REGIONS.get(UNPLACED)
    split_off = REGIONS.get("31.73.01.1099")

    assert (unplaced.level, unplaced.parent) == ("city", "31")
    assert (split_off.name, split_off.level, split_off.parent) == ("31.73.01.1099", "subdistrict", "31.73.01")


def test_a_region_lies_in_another_by_whole_parts_of_its_code() -> None:
    assert lies_in("31.71.01", "31")
    assert not lies_in("31.71", "31.7")
    assert not lies_in("31", "31")


@pytest.mark.parametrize(
    "text",
    [
        "- {scope: all}",
        "- {scope: all, region: '31', measure: registered, value: 0}",
        "- {scope: all, region: '31', measure: registered, value: 5, colour: red}",
        "- {scope: all, region: '31', measure: registered, value: 5}\n" * 2,
        "a: [",
    ],
)
def test_an_invalid_targets_file_is_named_in_the_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(text)

    with pytest.raises(InvalidTargetsError, match=r"targets\.yaml"):
        load_targets(path)


def test_targets_are_keyed_by_scope_region_and_measure() -> None:
    targets = load_targets(Path(__file__).parents[3] / "deploy/local/config/targets.yaml")

    assert targets["all", "31", "registered"] == 200_000
