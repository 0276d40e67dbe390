import json

from registration.api.openapi import request_body
from registration.requests.request_models import RegisterBody


def test_the_schema_of_a_request_body_has_no_references() -> None:
    schema = request_body(RegisterBody)["requestBody"]["content"]["application/json"]["schema"]

    assert "$ref" not in json.dumps(schema)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "nik", "region", "consent"]
