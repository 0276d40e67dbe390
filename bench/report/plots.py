"""Draws SVG plots: bars of ratios with spread and goal, and lines of cost against size.

The module is pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from bench.report.results import Result

WIDTH: Final = 760
LABEL_WIDTH: Final = 250
VALUE_WIDTH: Final = 110
ROW: Final = 30
TOP: Final = 46
INK, FAINT, MET, MISSED, PLAIN = "#1f2933", "#9aa5b1", "#2f7d5b", "#b4493a", "#52667a"
LINES: Final = (MET, MISSED, "#3a6ea5", "#8a6d1b", PLAIN)


@dataclass(frozen=True)
class Line:
    """A line of a growth chart: its name and its points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


def ratio_bars(title: str, results: Sequence[Result]) -> str:
    """Draw a bar per rival on a logarithmic scale; a line marks the spread, a dashed line the goal."""
    values = [1.0]
    for result in results:
        values += [result.ratio.low, result.ratio.high, *([result.goal] if result.goal else [])]
    low, high = min(values) / 1.15, max(values) * 1.15
    width = WIDTH - LABEL_WIDTH - VALUE_WIDTH

    def x(value: float) -> float:
        return LABEL_WIDTH + width * math.log(value / low) / math.log(high / low)

    bottom = TOP + ROW * len(results)
    parts = [_text(12, 20, title, size=15, weight="bold"), _text(x(1), TOP - 8, "1 ×", anchor="middle")]
    for row, result in enumerate(results):
        parts += _bar(result, TOP + ROW * row + ROW / 2, x)
    parts.append(_line(x(1), TOP - 4, x(1), bottom, INK))
    parts.append(_text(LABEL_WIDTH, bottom + 20, "right of 1 ×: ours is better; dashed: the goal", INK, 11))
    return _document(bottom + 34, parts, title)


def _bar(result: Result, y: float, x: Callable[[float], float]) -> list[str]:
    colour = {True: MET, False: MISSED, None: PLAIN}[result.met]
    left, right = sorted((x(1), x(result.ratio.median)))
    parts = [
        _text(LABEL_WIDTH - 10, y + 4, result.rival, anchor="end"),
        f'<rect x="{left:.1f}" y="{y - 8:.1f}" width="{max(1.0, right - left):.1f}" height="16" '
        f'fill="{colour}"/>',
        _line(x(result.ratio.low), y, x(result.ratio.high), y, INK, 2),
        _text(WIDTH - VALUE_WIDTH + 12, y + 4, f"{result.ratio.median:.2f} ×", weight="bold"),
    ]
    if result.goal:
        parts.append(_line(x(result.goal), y - 12, x(result.goal), y + 12, INK, 2, dashes="4 3"))
    return parts


def growth_lines(title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> str:
    """Draw lines of cost against size; the x axis is logarithmic, the y axis starts at zero."""
    xs = [point[0] for line in lines for point in line.points]
    y_max = max(point[1] for line in lines for point in line.points) * 1.1 or 1.0
    low, high = min(xs), max(xs)
    left, right, top, bottom = 80, WIDTH - 160, 46, 300

    def at(point: tuple[float, float]) -> tuple[float, float]:
        share = 0.5 if high == low else math.log(point[0] / low) / math.log(high / low)
        return left + (right - left) * share, bottom - (bottom - top) * point[1] / y_max

    parts = [_text(12, 20, title, size=15, weight="bold")]
    parts += [_line(left, bottom, right, bottom, INK), _line(left, top, left, bottom, INK)]
    for value in sorted(set(xs)):
        parts.append(_text(at((value, 0))[0], bottom + 16, short(value), anchor="middle", size=11))
    for step in range(5):
        value = y_max * step / 4
        parts.append(_line(left, at((low, value))[1], right, at((low, value))[1], FAINT, 0.5))
        parts.append(_text(left - 6, at((low, value))[1] + 4, short(value), anchor="end", size=11))
    parts.append(_text((left + right) / 2, bottom + 34, x_label, anchor="middle"))
    parts.append(_text(left, top - 8, y_label, size=11))
    for index, line in enumerate(lines):
        colour = LINES[index % len(LINES)]
        positions = [at(point) for point in line.points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in positions)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in positions]
        parts.append(_text(right + 10, top + 12 + 18 * index, line.name, colour))
    return _document(bottom + 46, parts, title)


def short(value: float) -> str:
    """Format a number briefly for an axis: 0.25, 12, 3.1k, 2M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def charts(results: Sequence[Result]) -> Mapping[str, str]:
    """Return a bar chart of ratios for each path, by the path's name."""
    names = dict.fromkeys(result.path for result in results)
    return {name: ratio_bars(name, [result for result in results if result.path == name]) for name in names}


def _text(
    x: float,
    y: float,
    text: str,
    fill: str = INK,
    size: int = 13,
    *,
    anchor: str = "start",
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1, *, dashes: str = "none"
) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
        f'stroke-width="{width}" stroke-dasharray="{dashes}"/>'
    )


def _document(height: float, parts: Sequence[str], title: str) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'font-family="system-ui, sans-serif"><title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )
