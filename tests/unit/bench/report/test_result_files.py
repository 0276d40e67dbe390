from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.paths.model import Scale
from bench.report.pages import BEGIN, END
from bench.report.results import Ratio, Result, Run, from_json
from tests.support.samples.contenders import path

ROAD = Result("road", "a", Ratio(2.0, 1.5, 2.5), 1.2, True, 20.0, 10.0, "events/s", 5)
LANE = replace(ROAD, path="lane")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of a bench of two paths."""
    for name, place in {
        "ROOT": tmp_path,
        "RESULTS": tmp_path / "results",
        "QUICK_RESULTS": tmp_path / "quick",
        "IMAGES": tmp_path / "images",
        "PAGE": tmp_path / "page.md",
    }.items():
        monkeypatch.setattr(bench, name, place)
    monkeypatch.setattr(bench, "PATHS", (path(), replace(path(), name="lane")))
    (tmp_path / "page.md").write_text(f"{BEGIN}\nbefore\n{END}\n")
    return tmp_path / "page.md"


def run(result: Result) -> Run:
    return Run({"cores": 2}, (result,), (), ())


def test_the_page_is_written_once_the_days_file_has_every_path(page: Path) -> None:
    bench._write(run(ROAD), Scale.FULL, ["road"])
    before = page.read_text()
    bench._write(run(LANE), Scale.FULL, ["lane"])

    (file,) = (page.parent / "results").iterdir()
    assert "before" in before
    assert "### road" in page.read_text()
    assert "### lane" in page.read_text()
    assert from_json(file.read_text()).results == (ROAD, LANE)


def test_a_whole_run_is_the_page_also_where_a_path_could_not_be_measured(page: Path) -> None:
    bench._write(run(ROAD), Scale.FULL, ["road", "lane"])

    assert "### road" in page.read_text()


def test_a_quick_run_leaves_page_and_results_alone(page: Path) -> None:
    bench._write(run(ROAD), Scale.QUICK, ["road"])
    bench._write(run(LANE), Scale.QUICK, ["lane"])

    assert "before" in page.read_text()
    assert not (page.parent / "results").exists()
    assert list((page.parent / "quick").iterdir())
