"""Replaces a name in a service's module or class, for a whole process or inside a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import Any


class PatchTargetMissingError(AttributeError):
    """The name to replace does not exist or is no longer used, so the planted bug would have no effect."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Replaces `name` in `owner` (a module or class); `used_by` is the function that uses the name."""

    owner: Any
    name: str
    replacement: Any
    used_by: Callable[..., Any]

    def plant(self) -> Any:
        """Replace the name and return the original. Raises PatchTargetMissingError."""
        if self.name not in vars(self.owner):
            raise PatchTargetMissingError(f"{self.owner.__name__} has no {self.name}")
        if self.name not in _names(self.used_by.__code__):
            raise PatchTargetMissingError(f"{self.used_by.__qualname__} does not use {self.name}")
        original = vars(self.owner)[self.name]
        setattr(self.owner, self.name, self.replacement)
        return original


@contextmanager
def patched(patches: Sequence[Patch]) -> Iterator[None]:
    """Apply the patches inside the block, and restore the originals afterwards."""
    with ExitStack() as restored:
        for patch in patches:
            restored.callback(setattr, patch.owner, patch.name, patch.plant())
        yield


def _names(code: CodeType) -> set[str]:
    """Return the names that a function uses, also in its comprehensions."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*(_names(constant) for constant in inner))
