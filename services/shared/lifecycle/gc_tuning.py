"""Makes garbage collection of a busy process rarer, and excludes the objects created at startup from it."""

from __future__ import annotations

import gc
from typing import Final

YOUNG_MAX: Final = 20_000
"""Number of new container objects after which the youngest generation is collected.

A process under load creates several hundred thousand container objects per second.
"""


def freeze_startup_objects() -> None:
    """Exclude all existing objects from later collections, and make these collections rarer.

    Call it at the end of startup, when the long-lived objects of the process exist.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 20, 20)
