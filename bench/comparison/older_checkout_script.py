"""Measures our system once in the checkout of an older commit, whose `python -m bench` has no `--ours-only`.

`bench.comparison` passes this text to the older checkout's interpreter with `-c`, so the script imports no
module of this version. It supports every commit since 82c374d, even if the modules of `bench` have moved:
from `bench/__main__.py` it takes only the names `find` and `Scale`, which every such commit imports there,
and of a path it uses only `open` and `ours.run`.

Arguments: path, scale ("full" or "quick"), file for the figures.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path


async def measure(path_name: str, scale: str) -> Mapping[str, float]:
    """Measure once, with new servers and data, and return the figures by name."""
    bench = importlib.import_module("bench.__main__")
    (path,) = bench.find([path_name])
    async with path.open(bench.Scale(scale)) as setup:
        result = path.ours.run(setup)
        measurement = await result if inspect.isawaitable(result) else result
    return dict(measurement.figures)


if __name__ == "__main__":
    name, scale_name, file = sys.argv[1:]
    figures = asyncio.run(measure(name, scale_name))
    Path(file).write_text(json.dumps([{"path": name, "figures": figures}]), "utf-8")
