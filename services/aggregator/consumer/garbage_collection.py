"""Garbage collection thresholds for the worker."""

import gc


def collect_garbage_less_often() -> None:
    """Raise the thresholds: a batch creates tens of thousands of objects, none of them in a cycle."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
