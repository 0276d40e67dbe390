"""Waits for a named condition, with a deadline."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def until(
    condition: Callable[[], Awaitable[T]],
    deadline_s: float = ...,
    every_s: float = ...,
    name: str | None = ...,
) -> T: ...
@overload
async def until(
    condition: Callable[[], T], deadline_s: float = ..., every_s: float = ..., name: str | None = ...
) -> T: ...
async def until(
    condition: Callable[[], Any],
    deadline_s: float = 10.0,
    every_s: float = 0.05,
    name: str | None = None,
) -> Any:
    """Await a condition and answer its first truthy value; fails naming it when the deadline passes.

    The condition is an async or plain callable. An AssertionError it raises counts as not yet, and is shown
    at the end: a condition may therefore be a set of asserts that returns True.
    """
    ends = time.monotonic() + deadline_s
    refused: AssertionError | None = None
    while True:
        value: object = None
        try:
            found = condition()
            value = await found if inspect.isawaitable(found) else found
            refused = None
        except AssertionError as error:
            refused = error
        if value:
            return value
        if time.monotonic() > ends:
            last = f"it said: {refused}" if refused else f"last answer: {value!r}"
            raise AssertionError(
                f"not within {deadline_s:g} s: {name or _name(condition)}; {last}"
            ) from refused
        await asyncio.sleep(every_s)


def _name(condition: Callable[[], object]) -> str:
    name = getattr(condition, "__name__", repr(condition))
    if name != "<lambda>":
        return name.replace("_", " ")
    try:
        return inspect.getsource(condition).strip()
    except OSError:
        return name
