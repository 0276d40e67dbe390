"""Every error response has problem details in the requested language.

The details contain a pointer to each invalid field, and never the field's value.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from pydantic import AfterValidator, BaseModel, ConfigDict

from problems.fastapi_handlers import install
from problems.problem import Problem, invalid, language_of, pointer


def _no_xyz(value: str) -> str:
    if "xyz" in value:
        raise invalid("no_xyz", id="Tidak boleh xyz.", en="No xyz.")
    return value


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(_no_xyz)]


def _client() -> TestClient:
    app = FastAPI()
    install(app)

    @app.post("/things")
    async def things(body: Body) -> dict[str, str]:
        if body.name == "taken":
            raise Problem(409, "taken", {"id": "Sudah ada.", "en": "Taken."}, headers={"Retry-After": "2"})
        if body.name == "broken":
            raise ValueError("secret value")
        return {"name": body.name}

    return TestClient(app, raise_server_exceptions=False)


def test_an_invalid_field_is_named_without_its_value() -> None:
    answer = _client().post("/things", json={"name": "xyz123", "a/b": 1})

    body = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {(e["pointer"], e["code"], e["detail"]) for e in body["errors"]} == {
        ("/name", "no_xyz", "Tidak boleh xyz."),
        ("/a~1b", "extra_forbidden", "Isian ini tidak dikenal."),
    }
    assert "xyz123" not in answer.text


def test_the_requested_language_is_used() -> None:
    answer = _client().post("/things", json={"name": "taken"}, headers={"Accept-Language": "en-GB,id;q=0.5"})

    assert (answer.status_code, answer.json()["title"]) == (409, "Taken.")
    assert answer.headers["retry-after"] == "2"


def test_a_body_that_is_not_json_gets_400() -> None:
    answer = _client().post("/things", content=b"{", headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (400, "not-json")


def test_an_unexpected_exception_is_answered_without_detail() -> None:
    answer = _client().post("/things", json={"name": "broken"})

    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_an_unknown_path_is_answered_with_problem_details() -> None:
    answer = _client().get("/nowhere")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_pointers_and_languages() -> None:
    assert pointer(("body", "business", 0, "a~b")) == "/business/0/a~0b"
    assert [language_of(h) for h in (None, "fr", "en;q=0.9", "id")] == ["id", "id", "en", "id"]


def test_a_refused_method_names_the_methods_of_all_routes_of_the_path() -> None:
    app, router = FastAPI(), APIRouter()
    install(app)

    @router.get("/things")
    async def list_things() -> str:
        return "listed"

    @router.post("/things")
    async def add_thing() -> str:
        return "added"

    app.include_router(router)
    answer = TestClient(app).put("/things")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")
