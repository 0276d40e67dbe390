"""Validates request bodies against the known regions, consents, campaigns and agencies, and the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from problems.fastapi_handlers import validation_problem
from registration.intake.campaigns_and_agencies import ScopeKind, Scopes
from registration.regions import Regions
from registration.requests.request_models import Vocabulary

B = TypeVar("B", bound=BaseModel)

SCOPE_FAULTS: Final = frozenset({"campaign_unknown", "agency_unknown"})


class BodyValidator:
    """Validates JSON bodies.

    The known campaigns and agencies are cached. If the cache lacks the campaign or agency of a body, they are
    read again before the body is refused.
    """

    def __init__(
        self, regions: Regions, consents: frozenset[str], scopes: Scopes, now: Callable[[], datetime]
    ) -> None:
        self._regions = regions
        self._consents = consents
        self._scopes = scopes
        self._now = now

    async def validate(self, model: type[B], body: bytes) -> B:
        """Return the valid body.

        Raises Problem 400 if the body is not JSON, or Problem 422 with a pointer to each invalid field.
        """
        try:
            return model.model_validate_json(body, context=self.vocabulary())
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            if SCOPE_FAULTS.isdisjoint(fault["type"] for fault in faults):
                raise validation_problem(faults) from None
        # Another process may have opened the campaign or agency since the last read.
        await self._scopes.refresh()
        try:
            return model.model_validate_json(body, context=self.vocabulary())
        except ValidationError as error:
            raise validation_problem(error.errors(include_url=False, include_input=False)) from None

    def vocabulary(self) -> Vocabulary:
        """Return the ids that a body may contain, and the current time."""
        names = self._scopes.names
        return Vocabulary(
            self._regions, self._consents, names[ScopeKind.CAMPAIGN], names[ScopeKind.AGENCY], self._now()
        )
