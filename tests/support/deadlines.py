"""Waits for a named condition with a deadline."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, overload

T = TypeVar("T")
DEADLINE_S: Final = 30.0
"""Long, because a busy machine is slow. It costs no time: a wait ends once its condition is met."""


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
    deadline_s: float = DEADLINE_S,
    every_s: float = 0.05,
    name: str | None = None,
) -> Any:
    """Wait until a condition returns a truthy value, and return this value.

    When the deadline passes, fail with the condition's name. The condition is a function or a coroutine
    function. It may consist of asserts and return True: if it raises AssertionError, it is not met yet, and
    the last such error is shown when the deadline passes.
    """
    ends_at = time.monotonic() + deadline_s
    failed: AssertionError | None = None
    while True:
        value: object = None
        try:
            result = condition()
            value = await result if inspect.isawaitable(result) else result
            failed = None
        except AssertionError as error:
            failed = error
        if value:
            return value
        if time.monotonic() > ends_at:
            last = f"last failure: {failed}" if failed else f"last value: {value!r}"
            raise AssertionError(
                f"not within {deadline_s:g} s: {name or _name(condition)}; {last}"
            ) from failed
        await asyncio.sleep(every_s)


def _name(condition: Callable[[], object]) -> str:
    name = getattr(condition, "__name__", repr(condition))
    if name != "<lambda>":
        return name.replace("_", " ")
    try:
        return inspect.getsource(condition).strip()
    except OSError:
        return name
