"""How often a busy process looks for cyclic garbage: seldom, and never in what it was built from."""

from __future__ import annotations

import gc
from typing import Final

YOUNG_MAX: Final = 20_000
"""New containers between two looks at the young ones; a busy second makes some hundred thousand."""


def freeze_startup_objects() -> None:
    """Call once all is built: what lives now is taken to live for good."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 20, 20)
