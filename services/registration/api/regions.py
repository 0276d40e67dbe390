"""The endpoint `GET /v1/regions`, which lists all regions."""

from __future__ import annotations

import hashlib

import msgspec
from fastapi import APIRouter, Request, Response

from registration.api.response_models import RegionsView
from registration.regions import Regions


def regions_router(regions: Regions) -> APIRouter:
    """Create the router. Its response is encoded once, and clients may cache it for an hour."""
    router = APIRouter(tags=["vocabulary"])
    body = msgspec.json.encode({"regions": list(regions.by_code.values())})
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
        "Cache-Control": "public, max-age=3600",
    }

    @router.get("/v1/regions", response_model=RegionsView, responses={304: {"description": "Not modified"}})
    async def all_regions(request: Request) -> Response:
        """The province, its cities, kecamatan and kelurahan."""
        known_tags = request.headers.get("if-none-match", "")
        if headers["ETag"] in [tag.strip().removeprefix("W/") for tag in known_tags.split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers, "application/json")

    return router
