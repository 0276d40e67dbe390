"""Generates the rows of a CSV file for the import: the register as it may have been on 21 October 2021.

281,812 people were registered on 21 October 2021 (monitor.co.id). The completed steps were published for 27
October 2021, when 284,164 people were registered (megapolitan.kompas.com, 12 November 2021); the rows have
the same proportions of steps. No split by city or agency was published. So the kelurahan are weighted by
population, and the campaigns and agencies are invented.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from simulator.seed.apportionment import apportion, scaled
from simulator.seed.population import weights_2021
from simulator.seed.synthetic_people import person

REGISTERED: Final = 281_812
PUBLISHED_REGISTERED: Final = 284_164
PUBLISHED_STEPS: Final = {
    "P2": 176_891,
    "P3": 157_498,
    "P4": 148_374,
    "P5": 44_456,
    "P6": 32_883,
    "P7": 6_159,
}
CONSENT: Final = "2026-01"

HEADER: Final = (
    "name", "nik", "phone", "region", "business_name", "business_category", "agency", "campaign", "consent",
    "occurred_at", "steps",
)  # fmt: skip

# Invented shares per mille; the id "" stands for no agency and no campaign. All other ids must exist in the
# register before the import.
AGENCIES: Final = {"ppkukm": 520, "ppapp": 110, "parekraf": 70, "": 300}
CAMPAIGNS: Final = {"jakpreneur-2019": 180, "jakpreneur-2020": 260, "kolaborasi-2021": 160, "": 400}
OPENED: Final = datetime(2018, 10, 21, tzinfo=UTC)
DAYS: Final = 3 * 365


def step_totals(count: int) -> dict[str, int]:
    """Return how many of `count` participants have completed each step, by the published proportions."""
    return {step: scaled(total, PUBLISHED_REGISTERED, count) for step, total in PUBLISHED_STEPS.items()}


def region_totals(count: int) -> dict[str, int]:
    """Return how many of `count` participants live in each kelurahan."""
    return apportion(count, weights_2021())


def rows(count: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Yield `count` rows with the columns of HEADER.

    Regions, steps, agencies and campaigns have exact totals, and are assigned to the rows in random order.
    """
    rng = random.Random(seed)
    regions = _shuffled(region_totals(count), rng)
    agencies = _shuffled(apportion(count, {key: Fraction(share) for key, share in AGENCIES.items()}), rng)
    campaigns = _shuffled(apportion(count, {key: Fraction(share) for key, share in CAMPAIGNS.items()}), rng)
    completed = {
        step: _shuffled({step: total, "": count - total}, rng) for step, total in step_totals(count).items()
    }
    for index in range(count):
        applicant = person(index, seed)
        steps = ";".join(filter(None, (column[index] for column in completed.values())))
        occurred_at = OPENED + timedelta(seconds=(index * DAYS * 86_400) // max(count, 1))
        yield (
            applicant.name, applicant.nik, applicant.phone, regions[index], applicant.business_name,
            applicant.category, agencies[index],
            campaigns[index], CONSENT, occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"), steps,
        )  # fmt: skip


def _shuffled(totals: dict[str, int], rng: random.Random) -> list[str]:
    values = [key for key, total in totals.items() for _ in range(total)]
    rng.shuffle(values)
    return values
