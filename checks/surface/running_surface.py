"""Reads the surface of a running system: schemas, topics, and the OpenAPI documents that it serves."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import aiohttp

from checks.surface import database_schema
from checks.surface.openapi import without_prose
from checks.surface.operation_runner import OperationRunner
from checks.surface.operation_series import RULES
from checks.surface.record_normalization import lines_of
from checks.surface.recordings import Files, as_json
from checks.surface.running_system import System, running

SERVED: Final = {"registration": "api", "notifier": "notifier", "board": "board"}
"""For each service, the process that serves its OpenAPI document."""


def surface() -> tuple[Files, dict[str, Any]]:
    """Start a system; return its schemas, topics and responses as files, and OpenAPI documents by service."""
    return asyncio.run(_surface())


async def _surface() -> tuple[Files, dict[str, Any]]:
    async with running(RULES) as system, aiohttp.ClientSession() as http:
        runner = OperationRunner(system, http)
        await runner.run_all()
        names = {participant: f"participant {person:02}" for person, participant in runner.ids.items()}
        topics = await system.topics.partitions()
        served = {service: await _document(http, system, name) for service, name in SERVED.items()}
        files = {
            **database_schema.dump(system.database),
            **{f"topic-{name}.jsonl": _topic(system, name, names) for name in topics},
            "topics.json": as_json(topics),
            "answers.jsonl": "".join(f"{line}\n" for line in runner.answers),
        }
        return files, served


async def _document(http: aiohttp.ClientSession, system: System, process: str) -> Any:
    async with http.get(f"{system.stack.url(process)}/openapi.json") as answer:
        answer.raise_for_status()
        return without_prose(await answer.json())


def _topic(system: System, name: str, names: dict[str, str]) -> str:
    return "".join(f"{line}\n" for line in lines_of(name, system.topics.records(name), names))
