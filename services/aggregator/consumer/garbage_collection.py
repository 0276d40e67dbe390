"""Sets the garbage collector's thresholds for the worker."""

import gc


def collect_garbage_less_often() -> None:
    """Raise the thresholds, because none of a batch's tens of thousands of objects is part of a cycle."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
