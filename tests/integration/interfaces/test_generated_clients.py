"""Clients generated from the OpenAPI documents register, look up, correct and read counts."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.contract_documents import ROOT
from tests.support.deadlines import until
from tests.support.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SOURCES: Final = ROOT / "tests" / "support" / "generated_clients"
PYTHON: Final = ROOT / ".local" / "clients" / "python" / "bin"
NODE_MODULES: Final = ROOT / ".local" / "clients" / "typescript" / "node_modules"
PROCESSES: Final = ("api", "relay", "worker", "publisher", "board")
COUNTED_BEFORE: Final = 3


@pytest.fixture
async def documents(stack: Stack, tmp_path: Path) -> dict[str, Path]:
    """The OpenAPI documents that register and board serve; the board shows COUNTED_BEFORE participants."""
    await stack.start(*PROCESSES)
    files = {}
    async with httpx.AsyncClient(timeout=30) as http:
        for client, process in (("register", "api"), ("board", "board")):
            document = await http.get(f"{stack.url(process)}/openapi.json")
            files[client] = tmp_path / f"{client}.json"
            files[client].write_bytes(document.content)
        for number in range(COUNTED_BEFORE):
            await _register(http, stack, number)
        await until(lambda: _is_counted(http, stack), 60, name="the first participants are counted")
    return files


async def _register(http: httpx.AsyncClient, stack: Stack, number: int) -> None:
    person = {
        "name": "Peserta Lain",
        "nik": f"31991{number}4101900000",
        "region": "31.71.01.1001",
        "consent": "2026-01",
    }
    headers = {"Authorization": f"Bearer {stack.keys['booth']}"}
    answer = await http.post(f"{stack.url('api')}/v1/participants", json=person, headers=headers)
    assert answer.status_code == 201, answer.text


async def _is_counted(http: httpx.AsyncClient, stack: Stack) -> bool:
    answer = await http.get(f"{stack.url('board')}/v1/counts")
    counts = {row["region"]: row["counts"] for row in answer.json().get("rows", [])}
    registered: int = counts.get("31", {}).get("registered", 0)
    return registered == COUNTED_BEFORE


async def test_a_python_client(documents: dict[str, Path], stack: Stack, tmp_path: Path) -> None:
    assert PYTHON.exists(), "run: make clients"
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    for client, document in documents.items():
        await output_of(
            PYTHON / "openapi-python-client",
            *("generate", "--meta", "none", "--config", tmp_path / "config.yml"),
            *("--path", document, "--output-path", tmp_path / f"{client}_client"),
        )
    shutil.copy(SOURCES / "session.py", tmp_path)

    nik = "3199014101900000"
    answers = await output_of(PYTHON / "python", tmp_path / "session.py", *arguments(stack), nik)

    check(answers)


@pytest.mark.needs("npm")
async def test_a_typescript_client(documents: dict[str, Path], stack: Stack, tmp_path: Path) -> None:
    assert NODE_MODULES.exists(), "run: make clients"
    for file in ("session.ts", "tsconfig.json", "package.json"):
        shutil.copy(SOURCES / file, tmp_path)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    for client, document in documents.items():
        types = tmp_path / f"{client}.ts"
        await output_of(NODE_MODULES / ".bin" / "openapi-typescript", document, "--output", types)
    await output_of(NODE_MODULES / ".bin" / "tsc", "--project", tmp_path)

    nik = "3199014201900000"
    answers = await output_of("node", tmp_path / "session.js", *arguments(stack), nik)

    check(answers)


def arguments(stack: Stack) -> list[str]:
    return [stack.url("api"), stack.url("board"), stack.keys["booth"], stack.keys["officer"]]


def check(output: str) -> None:
    answers: dict[str, Any] = json.loads(output)
    participant_id = answers.pop("participant_id")
    assert answers.pop("registered") >= COUNTED_BEFORE
    assert answers == {
        "replayed": "true",
        "found": participant_id,
        "phone": None,
        "revision": 2,
        "refused": 412,
    }


async def output_of(program: str | Path, *options: str | Path) -> str:
    """Return the standard output of a program, which must succeed."""
    running = await asyncio.create_subprocess_exec(
        program,
        *options,
        env=os.environ | {"NO_UPDATE_NOTIFIER": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await running.communicate()
    assert running.returncode == 0, f"{program}: {(out + err).decode()[-4000:]}"
    return out.decode()
