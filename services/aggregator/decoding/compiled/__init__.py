"""The compiled decoder, written in Cython; `make setup` builds it on machines with a C compiler."""

import hashlib
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent


def source_digest() -> str:
    """Return the digest of the Cython files, by which a build from other files is recognized."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.glob("*.p[yx][xd]")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
