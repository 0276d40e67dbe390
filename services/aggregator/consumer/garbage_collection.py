"""Sets the garbage collector's thresholds for the worker."""

import gc


def collect_garbage_less_often() -> None:
    """Raise the thresholds.

    A batch has tens of thousands of objects. None is part of a reference cycle, so collecting finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
