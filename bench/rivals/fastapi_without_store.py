"""A registration endpoint that is written as FastAPI's documentation shows; it stores nothing.

Run as `python -m bench.rivals.fastapi_without_store PORT`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, Field


class Business(BaseModel):
    """The participant's business."""

    name: str = Field(min_length=1, max_length=120)
    category: Literal["kuliner", "fesyen", "kerajinan", "jasa", "lainnya"]


class Registration(BaseModel):
    """The request body."""

    name: str = Field(min_length=1, max_length=120)
    nik: str = Field(pattern=r"^[0-9]{16}$")
    region: str = Field(pattern=r"^\d{2}\.\d{2}\.\d{2}\.\d{4}$")
    consent: str
    phone: str | None = Field(None, max_length=32)
    business: Business | None = None
    agency: str | None = None
    campaign: str | None = None
    booth: str | None = None
    occurred_at: AwareDatetime | None = None


class Registered(BaseModel):
    """The response body."""

    participant_id: UUID
    region: str
    revision: int
    recorded_at: datetime


app = FastAPI()


@app.post("/v1/participants", status_code=201)
async def register(body: Registration) -> Registered:
    """Respond as if the registration were stored."""
    return Registered(participant_id=uuid4(), region=body.region, revision=1, recorded_at=datetime.now(UTC))


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
