"""Measures ours once in an older checkout, whose `python -m bench` has no `--ours-only`.

`bench.against` passes this text to that checkout's interpreter with `-c`, so it imports nothing from here.
It supports every version from 82c374d on, wherever the modules of `bench` lie: it takes only the two names
that `bench/__main__.py` itself imports, `find` and `Scale`, and from a path only `open` and `ours.run`.
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
    """The figures of one run of ours in a world of its own."""
    bench = importlib.import_module("bench.__main__")
    (path,) = bench.find([path_name])
    async with path.open(bench.Scale(scale)) as world:
        given = path.ours.run(world)
        measured = await given if inspect.isawaitable(given) else given
    return dict(measured.figures)


if __name__ == "__main__":
    name, scale_name, file = sys.argv[1:]
    figures = asyncio.run(measure(name, scale_name))
    Path(file).write_text(json.dumps([{"path": name, "figures": figures}]), "utf-8")
