"""The register answers generated requests as its OpenAPI document says, with and without a key."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema

from deploy.local.one_shot_commands import clean_environment
from tests.support.log_files import tail
from tests.support.ports import free_ports
from tests.support.postgres_server import TestServer
from tests.support.register_with_keys import Commissioned
from tests.support.service_process import TrackedProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

CHECKS = [
    content_type_conformance,
    not_a_server_error,
    status_code_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
]
READY_S_MAX = 90.0


@pytest.fixture(scope="module")
def served_document(
    _postgres: TestServer, _commissioned: Commissioned, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[BaseSchema, str]]:
    """The OpenAPI document that a running api process serves, and an admin's API key."""
    folder, databases, (port,) = (
        tmp_path_factory.mktemp("openapi"),
        _postgres.clone(_commissioned.template),
        free_ports(1),
    )
    environment = clean_environment(
        {
            **databases.registration_api.environment("registration"),
            "REGISTRATION_SECRET_KEY": _commissioned.secrets["registration_secret_key"],
            "REGISTRATION_PORT": str(port),
            "REGISTRATION_IMPORT_SPOOL_DIR": str(folder / "spool"),
            "REGISTRATION_WAITED_S_MAX": "60",
        }
    )
    command = [sys.executable, "-m", "registration", "api"]
    running = TrackedProcess("api", command, environment, folder / "api.log")
    try:
        _wait_ready(f"http://127.0.0.1:{port}/health/ready", running)
        schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
        yield schema, _commissioned.keys["admin"]
        assert running.exit_code() is None, tail(running.log)
    finally:
        running.finish()
        _postgres.drop(databases)


def _wait_ready(url: str, running: TrackedProcess) -> None:
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline and running.exit_code() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:  # also an error status
            time.sleep(0.05)
    raise AssertionError(f"{url} is not ready\n{tail(running.log)}")


@pytest.mark.parametrize("role", ["admin", None])
def test_every_response_conforms_to_the_openapi_document(
    served_document: tuple[BaseSchema, str], role: str | None
) -> None:
    schema, key = served_document
    headers = {"Authorization": f"Bearer {key}"} if role else {}
    tested = set()

    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found.err()
        operation = found.ok()
        cases = [operation.as_strategy()]
        if operation.body or operation.path_parameters:
            cases.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        _call_and_check(st.one_of(cases), headers)
        tested.add(operation.label)

    assert len(tested) == 23


def _call_and_check(cases: st.SearchStrategy[Any], headers: dict[str, str]) -> None:
    @settings(
        max_examples=20,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def call(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    call()
