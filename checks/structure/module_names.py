"""Module names that are participles or gerunds: they say what happens, but not what the module is."""

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
"""Common verbs of the field: a pure rule may be called so."""
FOLDERS: Final = frozenset({"compiled", "shared"})
"""Two folders of services/: what Cython compiles, and the packages that services share."""
NO_PARTICIPLES: Final = frozenset(
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
    """Whether the head of a compound name, its last word, is a participle or a gerund.

    `published_cut` is a cut, so it passes; `counting` is on the list of common verbs.
    """
    head = name.rpartition("_")[2]
    if name in FOLDERS or head in COMMON_VERBS or head in NO_PARTICIPLES:
        return False
    return head.endswith(("ing", "ed")) or head in IRREGULAR


def participles(paths: Iterable[Path]) -> list[Path]:
    """The modules, and the folders of modules, with such a name; tests are named for what they test."""
    python = [path for path in paths if path.suffix == ".py"]
    modules = {path for path in python if not path.name.startswith("test_") and is_participle(path.stem)}
    folders = {folder for path in python for folder in path.parents if is_participle(folder.name)}
    return sorted(modules | folders)
