"""A jar of Kafka is fetched only if it has the locked checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from deploy.local.jars import FetchError, fetch

pytestmark = pytest.mark.integration

COORDINATE: Final = "org.example:broker:1.0"
CONTENT: Final = b"a jar"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Do not log the requests of a test."""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Maven repository on this machine, with one jar."""
    folder = tmp_path / "repository"
    jar = folder / "org/example/broker/1.0/broker-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield {"here": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "jars"
    folder.mkdir()
    return folder


def locked(tmp_path: Path, coordinate: str, content: bytes) -> Path:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"{coordinate} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n")
    return lock


def test_a_locked_jar_is_fetched(repository: dict[str, str], target: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    fetch(target, lambda *counts: seen.append(counts), locked(tmp_path, COORDINATE, CONTENT), repository)

    assert (target / "broker-1.0.jar").read_bytes() == CONTENT
    assert seen == [(1, 1)]


def test_a_jar_with_another_checksum_is_refused(
    repository: dict[str, str], target: Path, tmp_path: Path
) -> None:
    lock = locked(tmp_path, COORDINATE, b"another jar")

    with pytest.raises(FetchError, match=r"broker-1\.0\.jar"):
        fetch(target, lambda *counts: None, lock, repository)

    assert list(target.iterdir()) == []


def test_a_jar_that_the_repository_lacks_is_named(
    repository: dict[str, str], target: Path, tmp_path: Path
) -> None:
    lock = locked(tmp_path, "org.example:lost:1.0", CONTENT)

    with pytest.raises(FetchError, match=r"org\.example:lost:1\.0"):
        fetch(target, lambda *counts: None, lock, repository)
