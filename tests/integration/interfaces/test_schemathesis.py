"""Every response conforms to the OpenAPI document of its service, with and without a key."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

CONFIGURATION: Final = Path(__file__).with_name("schemathesis.toml")
OPTIONS: Final = ("--checks=all", "--max-examples=10", "--seed=1", "--generation-database=none", "--no-color")


@dataclass(frozen=True)
class Service:
    """A service: its process, the role whose key its operations need, and the paths that are left out."""

    process: str
    role: str | None = None
    excluded_paths: tuple[str, ...] = ()


SERVICES: Final = (
    Service("board", excluded_paths=("/v1/stream",)),  # it never ends: test_event_stream.py
    Service("notifier", role="officer"),
)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.process))
async def test_every_response_conforms_to_the_openapi_document(
    filled: Stack, service: Service, tmp_path: Path
) -> None:
    await filled.start(service.process)
    document = f"{filled.url(service.process)}/openapi.json"
    exclusions = [f"--exclude-path={path}" for path in service.excluded_paths]
    headers = [] if service.role is None else [f"--header=Authorization: Bearer {filled.keys[service.role]}"]

    runs = [await run_schemathesis(tmp_path, document, "--phases=coverage,fuzzing", *exclusions, *headers)]
    if headers:
        runs.append(await run_schemathesis(tmp_path, document, "--phases=fuzzing", *exclusions))

    for code, output in runs:
        assert code == 0, output
    await _check_head(document)


async def _check_head(document: str) -> None:
    """Check that HEAD is answered like GET, at each path of the document that needs no parameter."""
    async with httpx.AsyncClient(timeout=30) as http:
        paths = (await http.get(document)).json()["paths"]
        reads = [path for path, operations in paths.items() if "get" in operations and "{" not in path]
        for path in reads:
            head = await http.head(urljoin(document, path))
            async with http.stream("GET", urljoin(document, path)) as get:
                assert (head.status_code, head.content) == (get.status_code, b""), path
                assert head.headers["content-type"] == get.headers["content-type"]


async def run_schemathesis(folder: Path, document: str, *options: str) -> tuple[int | None, str]:
    """Return the exit code and the output of Schemathesis."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    running = await asyncio.create_subprocess_exec(
        program,
        f"--config-file={CONFIGURATION}",
        *("run", document, *OPTIONS, *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await running.communicate()
    return running.returncode, output.decode()
