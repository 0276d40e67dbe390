"""Checks request bodies against what the register knows: regions, consents, campaigns, agencies, the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from problems.fastapi_handlers import validation_problem
from registration.intake.scopes import ScopeKind, Scopes
from registration.regions import Regions
from registration.requests.request_models import Vocabulary

B = TypeVar("B", bound=BaseModel)

SCOPE_FAULTS: Final = frozenset({"campaign_unknown", "agency_unknown"})


class BodyValidator:
    """Knows the vocabulary of the moment."""

    def __init__(
        self, regions: Regions, consents: frozenset[str], scopes: Scopes, now: Callable[[], datetime]
    ) -> None:
        self._regions = regions
        self._consents = consents
        self._scopes = scopes
        self._now = now

    async def read(self, model: type[B], body: bytes) -> B:
        """The checked body. Raises Problem: 400 for what is not JSON, else 422 with a pointer per field."""
        try:
            return self.known(model, body)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            if SCOPE_FAULTS.isdisjoint(fault["type"] for fault in faults):
                raise validation_problem(faults) from None
        # Another process may have opened the scope a moment ago.
        await self._scopes.refresh()
        try:
            return self.known(model, body)
        except ValidationError as error:
            raise validation_problem(error.errors(include_url=False, include_input=False)) from None

    def vocabulary(self) -> Vocabulary:
        """What a body may name now."""
        names = self._scopes.names
        return Vocabulary(
            self._regions, self._consents, names[ScopeKind.CAMPAIGN], names[ScopeKind.AGENCY], self._now()
        )

    def known(self, model: type[B], body: bytes) -> B:
        """The body checked by what is known at this moment. Raises ValidationError."""
        return model.model_validate_json(body, context=self.vocabulary())
