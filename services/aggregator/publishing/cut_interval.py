"""Computes the pause between two cuts from the last cut's duration and its number of changed rows."""

from typing import Final

CUT_EVERY_S: Final = 0.1
ROWS_WITHOUT_PAUSE: Final = 1_000
PAUSE_S_PER_ROW: Final = 0.0002
PAUSE_S_MAX: Final = 0.8


def pause_s(took_s: float, rows_changed: int) -> float:
    """Return the seconds to wait after a cut that took `took_s` seconds and changed `rows_changed` rows.

    The aim is ten cuts a second. During an import every cut changes the same thousands of rows. Every reader
    has to read them all again, so cuts that change many rows are published less often. All booths of the
    province together change fewer than ROWS_WITHOUT_PAUSE rows per cut, and so cause no additional pause.
    """
    row_pause_s = PAUSE_S_PER_ROW * max(0, rows_changed - ROWS_WITHOUT_PAUSE)
    return max(CUT_EVERY_S - took_s, min(row_pause_s, PAUSE_S_MAX), 0.0)
