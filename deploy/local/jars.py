"""Locks the broker's jars by coordinate and SHA-256, and fetches them from a Maven repository.

The repository is Maven Central, unless jgo's own configuration file names other repositories.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from requests import RequestException

from deploy.local.paths import ROOT

WANTED: Final = ROOT / "requirements" / "kafka.in"
LOCK: Final = ROOT / "requirements" / "kafka.txt"
HASH_OPTION: Final = "--hash=sha256:"
DOWNLOADS_MAX: Final = 8
TRIES_MAX: Final = 3
TIMEOUT_S: Final = 60

Progress = Callable[[int, int], None]
"""Takes the number of jars fetched so far and the number of all jars."""


class FetchError(RuntimeError):
    """A jar could not be fetched, or its checksum is not the one in the lock file."""


@dataclass(frozen=True)
class Jar:
    """A locked jar: its Maven coordinate and the SHA-256 of its file."""

    coordinate: str
    sha256: str


def read_lock(lock: Path = LOCK) -> list[Jar]:
    """Return the jars in a lock file with lines of the form `group:artifact:version --hash=sha256:...`."""
    pairs = [line.split(f" {HASH_OPTION}") for line in _lines(lock)]
    return [Jar(coordinate, sha256) for coordinate, sha256 in pairs]


def read_wanted(wanted: Path = WANTED) -> list[str]:
    """Return the coordinates of the wanted jars from a file with lines such as `group:artifact:version`."""
    return _lines(wanted)


def write_lock(wanted: Path = WANTED, lock: Path = LOCK) -> None:
    """Resolve the jars in `wanted` with all dependencies, and write these and their checksums to `lock`."""
    with tempfile.TemporaryDirectory() as cache:
        context = _context(Path(cache))
        asked = [context.create_dependency(line) for line in read_wanted(wanted)]
        resolved, needed = context.resolver.resolve(asked)
        artifacts = [dependency.artifact for dependency in (*resolved, *needed)]
        coordinates = [f"{jar.groupId}:{jar.artifactId}:{jar.version}" for jar in artifacts]
        with ThreadPoolExecutor(DOWNLOADS_MAX) as pool:
            digests = pool.map(lambda coordinate: _sha256(_download(context, coordinate)), coordinates)
            lines = [
                f"{jar} {HASH_OPTION}{digest}\n" for jar, digest in zip(coordinates, digests, strict=True)
            ]
    lock.write_text("".join(sorted(lines)), encoding="utf-8")


def fetch(
    folder: Path, progress: Progress, lock: Path = LOCK, repositories: Mapping[str, str] | None = None
) -> None:
    """Fetch every locked jar into `folder`.

    `repositories` has the URLs of Maven repositories by name; the default is jgo's configuration. Raises
    FetchError if a jar cannot be fetched or its checksum differs from the locked one.
    """
    jars = read_lock(lock)
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix="maven-") as cache,
        ThreadPoolExecutor(DOWNLOADS_MAX) as pool,
    ):
        context = _context(Path(cache), repositories)
        for count, path in enumerate(pool.map(lambda jar: _verified(context, jar), jars), 1):
            shutil.move(path, folder / path.name)
            progress(count, len(jars))


def _context(cache: Path, repositories: Mapping[str, str] | None = None) -> MavenContext:
    # jgo gets an empty cache. From a shared one it would use the incomplete file of an interrupted download.
    chosen = dict(repositories or GlobalSettings.load().repositories)
    return MavenContext(repo_cache=cache, remote_repos=chosen or None, timeout=TIMEOUT_S)


def _verified(context: MavenContext, jar: Jar) -> Path:
    path = _download(context, jar.coordinate)
    if (found := _sha256(path)) != jar.sha256:
        raise FetchError(f"{path.name} has the SHA-256 {found}, but {LOCK.name} names {jar.sha256}")
    return path


def _download(context: MavenContext, coordinate: str) -> Path:
    artifact = context.create_dependency(coordinate).artifact
    for attempt in range(1, TRIES_MAX + 1):
        try:
            return Path(artifact.resolve())
        except (RequestException, RuntimeError) as error:
            if attempt == TRIES_MAX:
                raise FetchError(f"{coordinate} could not be fetched: {error}") from error
            if artifact.cached_path is not None:
                artifact.cached_path.unlink(missing_ok=True)
    raise AssertionError("the last attempt returns or raises")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
