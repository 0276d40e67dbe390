"""Changes of the recorded interfaces that break clients need a new major version; additions do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from checks.surface import contract_documents, recordings
from checks.surface.compatibility.interface_versions import breaking_changes

OPENAPI, CONTRACT = "openapi.json", "contract.json"
RECORDED = {OPENAPI: recordings.read(OPENAPI), **contract_documents.surface()}
Edit = Callable[[Any], object]


def broken_by(file: str, edit: Edit) -> list[str]:
    """Return the findings after an edit of the documents in a file."""
    documents = json.loads(RECORDED[file])
    edit(documents)
    return breaking_changes(RECORDED, {**RECORDED, file: json.dumps(documents)})


def register(documents: Any) -> Any:
    return documents["registration"]["document"]


def operation(documents: Any) -> Any:
    return register(documents)["paths"]["/v1/participants"]["post"]


def fields(documents: Any, schema: str) -> Any:
    return register(documents)["components"]["schemas"][schema]["properties"]


def event(documents: Any) -> Any:
    return documents["schemas/participant-event.json"]


BREAKING: dict[str, tuple[str, Edit]] = {
    "an operation is removed": (OPENAPI, lambda all_: register(all_)["paths"].pop("/v1/regions")),
    "a status is removed": (OPENAPI, lambda all_: operation(all_)["responses"].pop("201")),
    "a header of an answer is removed": (
        OPENAPI,
        lambda all_: operation(all_)["responses"]["201"]["headers"].pop("ETag"),
    ),
    "a parameter is removed": (OPENAPI, lambda all_: operation(all_)["parameters"].clear()),
    "an API key is required": (OPENAPI, lambda all_: operation(all_)["security"].remove({})),
    "a field of an answer is renamed": (
        OPENAPI,
        lambda all_: fields(all_, "AnswerView").update(
            number=fields(all_, "AnswerView").pop("participant_id")
        ),
    ),
    "a field of a body is required": (
        OPENAPI,
        lambda all_: register(all_)["components"]["schemas"]["RegisterBody"]["required"].append("booth"),
    ),
    "a type of a body is narrower": (
        OPENAPI,
        lambda all_: fields(all_, "RegisterBody").update(phone={"type": "string"}),
    ),
    "a service has no document": (OPENAPI, lambda all_: all_.pop("board")),
    "a field of a record is renamed": (
        CONTRACT,
        lambda all_: event(all_)["properties"].update(number=event(all_)["properties"].pop("sequence")),
    ),
    "a field of a record may be missing": (CONTRACT, lambda all_: event(all_)["required"].remove("sequence")),
    "a type of a record is another": (
        CONTRACT,
        lambda all_: all_["schemas/words.json"]["$defs"]["sequence"].update(type="string"),
    ),
    "a schema is removed": (CONTRACT, lambda all_: all_.pop("schemas/moved.v1.json")),
    "a channel is removed": (CONTRACT, lambda all_: all_["asyncapi.yaml"]["channels"].pop("milestones")),
    "the key of a record is another": (
        CONTRACT,
        lambda all_: all_["asyncapi.yaml"]["components"]["messages"]["registerState"]["bindings"]["kafka"][
            "key"
        ].update(const="register"),
    ),
}
ADDITIONS: dict[str, tuple[str, Edit]] = {
    "an operation": (OPENAPI, lambda all_: register(all_)["paths"].update({"/v2/participants": {}})),
    "a status": (OPENAPI, lambda all_: operation(all_)["responses"].update({"404": {}})),
    "an optional field of a body": (
        OPENAPI,
        lambda all_: fields(all_, "RegisterBody").update(email={"type": "string"}),
    ),
    "a field of an answer": (
        OPENAPI,
        lambda all_: fields(all_, "AnswerView").update(agency={"type": "string"}),
    ),
    "a field of a record": (
        CONTRACT,
        lambda all_: event(all_)["properties"].update(colour={"type": "string"}),
    ),
    "a schema": (CONTRACT, lambda all_: all_.update({"schemas/moved.v2.json": {}})),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_change_that_breaks_clients_is_found(change: str) -> None:
    assert broken_by(*BREAKING[change])


@pytest.mark.parametrize("addition", ADDITIONS)
def test_an_addition_passes(addition: str) -> None:
    assert broken_by(*ADDITIONS[addition]) == []


def test_nothing_breaks_if_the_documents_are_as_recorded() -> None:
    assert breaking_changes(RECORDED, RECORDED) == []


def test_a_new_major_version_may_break_clients() -> None:
    def publish(documents: Any) -> None:
        register(documents)["info"]["version"] = "2"
        register(documents)["paths"].clear()

    assert broken_by(OPENAPI, publish) == []


def test_a_new_minor_version_may_not() -> None:
    def publish(documents: Any) -> None:
        register(documents)["info"]["version"] = "1.1"
        register(documents)["paths"].pop("/v1/regions")

    assert broken_by(OPENAPI, publish) == ["registration GET /v1/regions: removed"]


def test_an_interface_without_a_recording_has_no_clients() -> None:
    assert breaking_changes({}, RECORDED) == []
