"""Finds module names that are participles or gerunds, because they do not say what a module contains."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

COMMON_VERBS: Final = frozenset(
    {
        *(
            "batching",
            "bookkeeping",
            "caching",
            "compiling",
            "counting",
            "decoding",
            "encoding",
            "formatting",
        ),
        *("hashing", "locking", "logging", "monitoring", "parsing", "partitioning", "polling", "profiling"),
        *("queueing", "rendering", "routing", "sampling", "scheduling", "seeding", "sorting", "tracing"),
    }
)
"""Common verbs of the field, which are allowed as names of pure rules."""
FOLDERS: Final = frozenset({"compiled", "shared"})
"""Folders of services/ that may have such names: Cython code, and packages that services share."""
NOUNS_WITH_THESE_ENDINGS: Final = frozenset(
    {
        *("bed", "embed", "feed", "greed", "need", "red", "seed", "shed", "speed", "weed"),
        *(
            "building",
            "ceiling",
            "king",
            "mapping",
            "meaning",
            "ring",
            "setting",
            "spring",
            "string",
            "thing",
        ),
        *("timing", "training", "warning"),
    }
)
IRREGULAR: Final = frozenset(
    {
        *(
            "been",
            "begun",
            "bound",
            "broken",
            "brought",
            "built",
            "chosen",
            "done",
            "drawn",
            "driven",
            "fallen",
        ),
        *(
            "fed",
            "felt",
            "found",
            "given",
            "gone",
            "grown",
            "heard",
            "held",
            "hidden",
            "kept",
            "known",
            "left",
        ),
        *("lost", "made", "met", "paid", "said", "seen", "sent", "shown", "sold", "spent", "spoken", "stood"),
        *("taken", "taught", "thought", "told", "understood", "woken", "won", "worn", "written"),
    }
)


def is_participle(name: str) -> bool:
    """Return whether the last word of a name is a participle or a gerund.

    `published_cut` passes because its last word is a noun, `counting` because it is a common verb.
    """
    head = name.rpartition("_")[2]
    if name in FOLDERS or head in COMMON_VERBS or head in NOUNS_WITH_THESE_ENDINGS:
        return False
    return head.endswith(("ing", "ed")) or head in IRREGULAR


def participles(paths: Iterable[Path]) -> list[Path]:
    """Return the modules, and folders of modules, with such a name. Test modules may have any name."""
    python = [path for path in paths if path.suffix == ".py"]
    modules = {path for path in python if not path.name.startswith("test_") and is_participle(path.stem)}
    folders = {folder for path in python for folder in path.parents if is_participle(folder.name)}
    return sorted(modules | folders)
