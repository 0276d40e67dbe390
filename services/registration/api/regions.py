"""The endpoint `GET /v1/regions`, which lists all regions."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request, Response

from http_semantics.entity_tags import is_known, strong_tag
from registration.api.response_models import RegionsView
from registration.regions import Regions


def regions_router(regions: Regions) -> APIRouter:
    """Create the router. Its response is encoded once, and clients may cache it for an hour."""
    router = APIRouter(tags=["vocabulary"])
    body = msgspec.json.encode({"regions": list(regions.by_code.values())})
    headers = {"ETag": strong_tag(body), "Cache-Control": "public, max-age=3600"}

    @router.get("/v1/regions", response_model=RegionsView, responses={304: {"description": "Not modified"}})
    async def all_regions(request: Request) -> Response:
        """The province, its cities, kecamatan and kelurahan."""
        if is_known(headers["ETag"], request.headers.getlist("if-none-match")):
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers, "application/json")

    return router
