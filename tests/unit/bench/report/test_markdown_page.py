from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.report.markdown_page import BEGIN, END, page_with, section_of
from bench.report.plots import Line, charts, growth_lines, short
from bench.report.results import ProcessUsage, Ratio, Result, Run
from tests.support.samples.bench_path import path

MET = Result("road", "a < b", Ratio(2.0, 1.5, 2.5), 1.2, True, 200_000.0, 100_000.0, "events/s", 5)
MISSED = Result("road", "c", Ratio(0.5, 0.4, 0.6), 0.9, False, 5.0, 10.0, "ms", 5)
SHOWN = Result("street", "d", Ratio(1.0, 1.0, 1.0), None, None, 1.0, 1.0, "rows/s", 5)
RUN = Run(
    {"cores": 2, "versions": {"python": "3.11"}},
    (MET, MISSED, SHOWN),
    (ProcessUsage("road", "ours", "worker", 0.0042, 120.0),),
)


def test_only_the_text_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert page_with(page_with(page, "one"), "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers"):
        page_with(f"{BEGIN} alone", "new")


def test_the_section_lists_machine_ratios_goals_and_usage_by_path() -> None:
    section = section_of(RUN, "2021-10-24", [path()])

    assert "- versions: python 3.11" in section
    assert (
        "| a < b | 200,000 | 100,000 | events/s | 2.00 × (1.50 to 2.50, 5 pairs) | ≥ 1.2 × | yes |" in section
    )
    assert "| c | 5 | 10 | ms | 0.50 × (0.40 to 0.60, 5 pairs) | ≥ 0.9 × | **no** |" in section
    assert "| d | 1 | 1 | rows/s | 1.00 × (1.00 to 1.00, 5 pairs) | – | – |" in section
    assert "| ours | worker | 0.0042 | 120 |" in section
    assert section.index("### road") < section.index("A road.") < section.index("### street")


def test_a_charts_bars_are_as_long_as_the_logarithm_of_their_ratios() -> None:
    drawn = charts(RUN.results)["road"]

    bars = list(ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}rect"))[1:]
    widths = [float(bar.attrib["width"]) for bar in bars]

    # On a logarithmic scale, 2 × and ½ × have the same distance from 1 ×, to the right and to the left.
    assert widths[0] == pytest.approx(widths[1], abs=0.2)
    assert float(bars[1].attrib["x"]) + widths[1] == pytest.approx(float(bars[0].attrib["x"]), abs=0.2)


def test_a_chart_of_growth_places_ten_times_the_work_at_equal_steps() -> None:
    drawn = growth_lines("cost", "events", "µs", [Line("worker", [(1e5, 4.0), (1e6, 4.0), (1e7, 2.0)])])

    (line,) = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]

    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=0.2)
    assert points[0][1] == points[1][1] < points[2][1]  # y grows downwards


@pytest.mark.parametrize(("value", "text"), [(0.25, "0.25"), (12, "12"), (3_100, "3.1k"), (2e6, "2M")])
def test_numbers_on_axes_are_short(value: float, text: str) -> None:
    assert short(value) == text
