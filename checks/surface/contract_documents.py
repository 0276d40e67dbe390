"""Reads the AsyncAPI document and the JSON schemas of `contract/`."""

from __future__ import annotations

import json

import yaml

from checks.surface.openapi import without_prose
from checks.surface.recordings import ROOT, Files, as_json

CONTRACT = ROOT / "contract"


def surface() -> Files:
    """Return one file: all documents without prose, by their names below `contract/`."""
    documents = {"asyncapi.yaml": yaml.safe_load((CONTRACT / "asyncapi.yaml").read_text("utf-8"))}
    for file in sorted((CONTRACT / "schemas").glob("*.json")):
        documents[f"schemas/{file.name}"] = json.loads(file.read_text("utf-8"))
    return {"contract.json": as_json({name: without_prose(found) for name, found in documents.items()})}
