"""Where participants live: the 267 kelurahan and how many of the city's people each holds.

The facts are in `population.csv`, each with its source: the inhabitants of the six cities in 2021 (BPS) and
of the kelurahan in the second half of 2024 (Dukcapil). A kelurahan's weight in 2021 is its city's count of
2021 times its share of the city in 2024.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

FACTS: Final = Path(__file__).with_name("population.csv")


@cache
def weights_2021(facts: Path = FACTS) -> dict[str, Fraction]:
    """The weight of each kelurahan's code, in inhabitants of 2021, sorted by code."""
    cities: dict[str, int] = {}
    members: dict[str, dict[str, int]] = defaultdict(dict)
    with facts.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            code, inhabitants = row["code"], int(row["inhabitants"])
            if code.count(".") == 1:
                cities[code] = inhabitants
            else:
                members[code[:5]][code] = inhabitants
    assert cities.keys() == members.keys(), "every city needs its kelurahan, and the other way round"
    return {
        code: Fraction(cities[city] * inhabitants, sum(kelurahan.values()))
        for city, kelurahan in sorted(members.items())
        for code, inhabitants in sorted(kelurahan.items())
    }
