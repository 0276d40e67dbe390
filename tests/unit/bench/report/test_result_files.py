from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.paths.path_definition import Scale
from bench.report.markdown_page import BEGIN, END
from bench.report.result_files import ResultFiles, write
from bench.report.results import Ratio, Result, Run, from_json
from tests.support.samples.bench_path import path

ROAD = Result("road", "a", Ratio(2.0, 1.5, 2.5), 1.2, True, 20.0, 10.0, "events/s", 5)
LANE = replace(ROAD, path="lane")
PATHS = (path(), replace(path(), name="lane"))


@pytest.fixture
def files(tmp_path: Path) -> ResultFiles:
    """The result files of a repository with an old page."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "performance.md").write_text(f"{BEGIN}\nbefore\n{END}\n")
    return ResultFiles(tmp_path, "2021-10-24")


def run(result: Result) -> Run:
    return Run({"cores": 2}, (result,), (), ())


def test_the_page_is_written_once_the_days_file_has_every_path(files: ResultFiles) -> None:
    write(files, run(ROAD), Scale.FULL, ["road"], PATHS)
    before = files.page.read_text()
    write(files, run(LANE), Scale.FULL, ["lane"], PATHS)

    assert "before" in before
    assert "### road" in files.page.read_text()
    assert "### lane" in files.page.read_text()
    assert from_json(files.results(Scale.FULL).read_text()).results == (ROAD, LANE)


def test_a_full_run_updates_the_page_even_if_one_path_has_no_result(files: ResultFiles) -> None:
    write(files, run(ROAD), Scale.FULL, ["road", "lane"], PATHS)

    assert "### road" in files.page.read_text()


def test_a_quick_run_changes_neither_the_page_nor_the_full_results(files: ResultFiles) -> None:
    write(files, run(ROAD), Scale.QUICK, ["road"], PATHS)
    write(files, run(LANE), Scale.QUICK, ["lane"], PATHS)

    assert "before" in files.page.read_text()
    assert not files.results(Scale.FULL).exists()
    assert files.results(Scale.QUICK).exists()


def test_the_messages_name_the_paths_that_are_missing(files: ResultFiles) -> None:
    messages = write(files, run(ROAD), Scale.FULL, ["road"], PATHS)

    assert messages == [
        "written: bench/results/2021-10-24.json",
        "docs/performance.md is not updated: 2021-10-24.json has no results yet of lane",
    ]
