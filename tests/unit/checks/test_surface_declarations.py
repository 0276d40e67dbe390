"""Names, types, limits and defaults are read from the code; prose and class names are not."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from checks.surface.metrics import declared
from checks.surface.openapi import interface, without_prose
from checks.surface.settings import ContradictionError, by_variable


class Inner(BaseModel):
    """Prose."""

    title: str


class ExampleSettings(BaseSettings):
    """Prose."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    port: int = Field(default=1, le=9, description="Prose.")
    inner: dict[str, Inner] = {}
    path: str


class OtherSettings(BaseSettings):
    """Declares EXAMPLE_PORT differently."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    port: int = 2


def test_a_setting_has_its_variable_type_limits_and_default() -> None:
    assert by_variable([ExampleSettings]) == {
        "EXAMPLE_INNER": {
            "additionalProperties": {
                "properties": {"title": {"type": "string"}},
                "required": ["title"],
                "type": "object",
            },
            "default": {},
            "required": False,
            "type": "object",
        },
        "EXAMPLE_PATH": {"required": True, "type": "string"},
        "EXAMPLE_PORT": {"default": 1, "maximum": 9, "required": False, "type": "integer"},
    }


def test_a_variable_with_two_different_declarations_is_refused() -> None:
    with pytest.raises(ContradictionError, match="EXAMPLE_PORT"):
        by_variable([ExampleSettings, OtherSettings])


def test_a_metric_has_its_exposed_name_type_labels_and_buckets() -> None:
    registry = CollectorRegistry()
    Counter("requests", "Prose.", ["route"], registry=registry)
    Gauge("length", "Prose.", registry=registry)
    Histogram("took_seconds", "Prose.", ["x"], buckets=(0.5, 1), registry=registry)

    assert declared(registry) == {
        "length": {"labels": [], "type": "gauge"},
        "requests_total": {"labels": ["route"], "type": "counter"},
        "took_seconds": {"buckets": ["0.5", "1"], "labels": ["x"], "type": "histogram"},
    }


def test_an_interface_includes_undocumented_routes() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    hidden = APIRouter(prefix="/v1", include_in_schema=False)

    @hidden.get("/hidden")
    def answer(limit: Annotated[int, Field(le=3)] = 1) -> int:
        """Prose."""
        return limit

    app.include_router(hidden)

    found = interface(app)

    assert found["document"]["paths"] == {}
    assert found["routes"] == {"/openapi.json": ["GET", "HEAD"], "/v1/hidden": ["GET"]}


def test_prose_is_left_out_but_fields_with_the_same_names_are_kept() -> None:
    document = {
        "summary": "Prose.",
        "schema": {"description": "Prose.", "properties": {"description": {"description": "Prose."}}},
    }

    assert without_prose(document) == {"schema": {"properties": {"description": {}}}}
