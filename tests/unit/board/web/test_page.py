"""Tests that the times of the page are valid HTML."""

from __future__ import annotations

import re

from board.web.page import PageRenderer
from tests.support.samples.board_fixture import NOW, BoardFixture

# HTML, 2.3.5.7: a global date and time.
GLOBAL_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})")


def test_each_time_of_the_page_has_at_most_three_digits_after_the_second() -> None:
    board = BoardFixture()
    board.full(1, 5)
    board.register(1.234567, 1)
    board.cross(5, 1, crossed_at=NOW.replace(microsecond=234_567))
    board.subscriptions.tick()

    page = PageRenderer("v").render(board.app_state, "all", "id")

    times = re.findall(r'<time[^>]*datetime="([^"]*)"', page)
    assert len(times) == page.count("<time") == 2
    assert [time for time in times if not GLOBAL_TIME.fullmatch(time)] == []
