"""How a part of a service is replaced in one process, and put back in a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import Any


class PatchPointGoneError(AttributeError):
    """What was to be replaced is not there: it was renamed, or moved. Nothing would be planted."""


@dataclass(frozen=True, slots=True)
class Patch:
    """`owner` (a module or a class) gets another `name`; `used_by` is the service's code that looks it up."""

    owner: Any
    name: str
    replacement: Any
    used_by: Callable[..., Any]

    def plant(self) -> Any:
        """Replace it; what was there. Raises PatchPointGoneError."""
        if self.name not in vars(self.owner):
            raise PatchPointGoneError(f"{self.owner.__name__} has no {self.name}")
        if self.name not in _names(self.used_by.__code__):
            raise PatchPointGoneError(f"{self.used_by.__qualname__} does not look {self.name} up")
        original = vars(self.owner)[self.name]
        setattr(self.owner, self.name, self.replacement)
        return original


@contextmanager
def in_place(patches: Sequence[Patch]) -> Iterator[None]:
    """Replaced inside the block."""
    with ExitStack() as put_back:
        for patch in patches:
            put_back.callback(setattr, patch.owner, patch.name, patch.plant())
        yield


def _names(code: CodeType) -> set[str]:
    """What a function looks up, also in its comprehensions."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*(_names(one) for one in inner))
