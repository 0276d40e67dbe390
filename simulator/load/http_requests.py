"""Builds the HTTP request of an intent; the request of an intent always has the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from simulator.load.ledger import Intent, Run
from simulator.seed.rows_matching_published_totals import CONSENT
from simulator.seed.synthetic_people import person

FORMS: Final = ("register", "probe", "repeat", "duplicate")
"""The kinds of intents that send a registration form; all others change a participant."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST to the register."""

    path: str
    headers: dict[str, str]
    body: bytes


def request(intent: Intent, run: Run) -> Request:
    """Return the request of an intent; its idempotency key makes it safe to send the request again."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": intent.key}
    if intent.kind in FORMS:
        return Request("/v1/participants", headers, msgspec.json.encode(_form(intent, run)))
    headers["If-Match"] = str(intent.revision)
    return Request(
        f"/v1/participants/{intent.participant}/{_ENDPOINTS[intent.kind]}",
        headers,
        msgspec.json.encode(_change(intent, run)),
    )


_ENDPOINTS: Final = {"move": "move", "step": "steps", "correct": "correct", "withdraw": "withdraw"}


def _form(intent: Intent, run: Run) -> dict[str, object]:
    applicant = person(intent.person, run.seed)
    return {
        "name": applicant.name,
        "nik": applicant.nik,
        "phone": applicant.phone,
        "region": intent.region,
        "business": {"name": applicant.business_name, "category": applicant.category},
        "campaign": intent.campaign,
        "booth": f"booth-{intent.person % 20 + 1:02d}",
        "consent": CONSENT,
        "occurred_at": intent.at,
    }


def _change(intent: Intent, run: Run) -> dict[str, object]:
    if intent.kind == "move":
        return {"region": intent.region}
    if intent.kind == "step":
        return {"step": intent.step}
    if intent.kind == "correct":
        # The name differs each time, because the register refuses a correction that changes nothing.
        return {"name": f"{person(intent.person, run.seed).name} {intent.revision}"}
    return {}
