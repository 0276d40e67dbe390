"""The population weights of the 267 kelurahan, from which participants get their regions.

The data is in `population.csv`, where each row names its source: the inhabitants of the six cities in 2021
(BPS) and of the kelurahan in the second half of 2024 (Dukcapil). A kelurahan's weight in 2021 is its city's
population in 2021 multiplied by the kelurahan's share of the city's population in 2024.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).with_name("population.csv")


@cache
def weights_2021(data: Path = DATA) -> dict[str, Fraction]:
    """Return the weight of each kelurahan by code, in inhabitants of 2021, sorted by code."""
    cities: dict[str, int] = {}
    members: dict[str, dict[str, int]] = defaultdict(dict)
    with data.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            code, inhabitants = row["code"], int(row["inhabitants"])
            if code.count(".") == 1:
                cities[code] = inhabitants
            else:
                members[code[:5]][code] = inhabitants
    assert cities.keys() == members.keys(), "every city has kelurahan, and every kelurahan a city"
    return {
        code: Fraction(cities[city] * inhabitants, sum(kelurahan.values()))
        for city, kelurahan in sorted(members.items())
        for code, inhabitants in sorted(kelurahan.items())
    }
