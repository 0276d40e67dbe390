"""The register's OpenAPI document declares what a generated client must send and can receive."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from checks.surface.http_applications import APPLICATIONS
from problems.problem import Problem
from registration.api.operation_submission import idempotency_key, if_match_revision

ANSWER_ONCE = {
    "register_v1_participants_post",
    "move",
    "steps",
    "correct",
    "withdraw",
    "merge",
    "open_campaign",
    "open_agency",
    "upload_v1_imports_post",
    "confirm_v1_imports__import_id__confirm_post",
    "undo_v1_imports__import_id__undo_post",
}
KEYLESS = {"list_campaign", "list_agency", "all_regions_v1_regions_get"}


@pytest.fixture(scope="module")
def document() -> Any:
    return APPLICATIONS["registration"]().openapi()


@pytest.fixture(scope="module")
def operations(document: Any) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }


def test_every_reference_has_a_target(document: Any) -> None:
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        target = document
        for step in reference.split("/"):
            target = target[step]


def test_every_error_has_the_one_problem_component(document: Any, operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemView"}}
                }, (name, status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_success_with_a_json_body_has_a_shape(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                assert media_type != "application/json" or content["schema"], (name, status)


def test_operations_that_are_done_once_declare_the_idempotency_key(operations: dict[str, Any]) -> None:
    declared = {
        name
        for name, operation in operations.items()
        if {"$ref": "#/components/parameters/Idempotency-Key"} in operation.get("parameters", [])
    }

    assert declared == ANSWER_ONCE


def test_an_api_key_is_optional_for_registering_and_required_for_all_but_lists(
    operations: dict[str, Any],
) -> None:
    security = {name: operation.get("security") for name, operation in operations.items()}

    assert security.pop("register_v1_participants_post") == [{}, {"key": []}]
    assert {name for name, needed in security.items() if needed is None} == KEYLESS
    assert all(needed in (None, [{"key": []}]) for needed in security.values())


def test_no_body_documents_a_default(document: Any) -> None:
    schemas = document["components"]["schemas"]

    bodies = [name for name in schemas if name.endswith("Body")]
    assert len(bodies) == 9
    assert [name for name in bodies if '"default"' in json.dumps(schemas[name])] == []


@pytest.mark.parametrize("value", ["*", '"2"', 'W/"2"', "2", "a", "", '"a"', '"1234567890"', '"1", "2"'])
def test_the_pattern_of_if_match_matches_what_is_accepted(document: Any, value: str) -> None:
    pattern = document["components"]["parameters"]["If-Match"]["schema"]["pattern"]

    assert bool(re.search(pattern, value)) == accepted(if_match_revision, value)


@pytest.mark.parametrize("value", ["a", "a" * 200, "a" * 201, "", "a b", "é"])
def test_the_pattern_of_the_idempotency_key_matches_what_is_accepted(document: Any, value: str) -> None:
    pattern = document["components"]["parameters"]["Idempotency-Key"]["schema"]["pattern"]

    assert bool(re.search(pattern, value)) == accepted(idempotency_key, value)


def accepted(check: Any, value: str) -> bool:
    try:
        check(value)
    except Problem:
        return False
    return True
