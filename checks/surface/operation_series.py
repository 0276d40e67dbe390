"""A series of operations on an empty register, generated from a fixed seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

SEED: Final = 2021
REGIONS: Final = (
    "31.71.01.1001",
    "31.72.02.1003",
    "31.73.05.1002",
    "31.74.09.1001",
    "31.75.10.1004",
    "31.01.01.1002",
)
AGENCIES: Final = (None, "ppkukm", "ppapp", "parekraf")
CAMPAIGN: Final = "fest-2021"
CATEGORIES: Final = ("kuliner", "fesyen", "kerajinan", "jasa", "lainnya")
STEPS: Final = ("P2", "P3", "P4", "P5", "P6", "P7")
ROLES: Final = (None, "booth", "officer", "admin")
OCCURRED_AT: Final = "2021-10-24T19:04:58+07:00"

PEOPLE: Final = 12
"""People 1 to 12 register before any other operation. The milestone rule `twelve` has the threshold 12."""
NEWCOMER: Final = 13
IMPORTED: Final = (14, 15, 16)
MALFORMED, SKIPPED = 17, 18
"""The people whose events are quarantined first."""
EVERYBODY: Final = range(1, SKIPPED + 1)
CHANGES: Final = 40

RULES: Final = f"""
rules:
  - {{id: twelve, regions: ["31"], at: [{PEOPLE}], rearm_margin: 1}}
  - {{id: first-step, regions: ["31"], measure: "step:P2", at: [1]}}
  - {{id: campaign, scope: "campaign:{CAMPAIGN}", level: province, at: [1]}}
webhooks:
  - {{id: control-room, within: ["31"]}}
"""


@dataclass(frozen=True)
class Operation:
    """A request about a person: a registration or a change. If `role` is None, it has no access key."""

    route: str
    person: int
    body: Mapping[str, Any]
    role: str | None
    into: int | None = None

    def __str__(self) -> str:
        into = f" into {self.into}" if self.into else ""
        return f"{self.route} person {self.person}{into} as {self.role or 'the public'}"


@dataclass(frozen=True)
class Step:
    """Operations that are counted together, and the number of milestone records on the topic after them."""

    operations: tuple[Operation, ...]
    milestones: int


@dataclass
class Series:
    """Generates all steps that precede the import, from one random source."""

    random: Random = field(default_factory=lambda: Random(SEED))

    def steps(self) -> Iterator[Step]:
        """Yield the steps; only a step's last operation crosses thresholds, so crossings never vary."""
        first = self.registration(1, {"campaign": CAMPAIGN})
        yield Step((first,), milestones=1)
        yield Step(tuple(self.registration(person) for person in range(2, PEOPLE + 1)), milestones=2)
        yield Step(
            (Operation("steps", 1, {"step": "P2", "occurred_at": OCCURRED_AT}, "booth"),), milestones=3
        )
        yield Step(tuple(self._change() for _ in range(CHANGES)), milestones=3)
        yield Step((Operation("withdraw", 2, {"occurred_at": OCCURRED_AT}, "officer"),), milestones=4)
        yield Step((self.registration(2),), milestones=5)
        yield Step((Operation("merge", 3, {}, "officer", into=4),), milestones=6)
        yield Step((self.registration(NEWCOMER),), milestones=7)
        refused = (self.registration(1), Operation("withdraw", 3, {}, "admin"))
        yield Step((*refused, Operation("merge", 5, {}, "booth", into=6)), milestones=7)

    def registration(self, person: int, fixed: Mapping[str, Any] | None = None) -> Operation:
        """Return a registration with random optional fields; `fixed` overrides fields."""
        optional = {
            "phone": f"0812{person:08}",
            "business": {"name": "Usaha Contoh", "category": self.random.choice(CATEGORIES)},
            "agency": self.random.choice(AGENCIES),
            "campaign": CAMPAIGN,
            "booth": f"booth-{person:02}",
            "occurred_at": OCCURRED_AT,
        }
        given = {name: value for name, value in optional.items() if self.random.random() < 0.5}
        body = {
            "name": "Peserta Contoh",
            "nik": nik(person),
            "region": self.random.choice(REGIONS),
            "consent": "2026-01",
        }
        return Operation("register", person, {**body, **given, **(fixed or {})}, self.random.choice(ROLES))

    def _change(self) -> Operation:
        route = self.random.choice(("move", "steps", "correct"))
        person = self.random.randint(1, PEOPLE)
        bodies: dict[str, dict[str, Any]] = {
            "move": {"region": self.random.choice(REGIONS)},
            "steps": {"step": self.random.choice(STEPS)},
            "correct": self._correction(),
        }
        body = bodies[route]
        if self.random.random() < 0.5:
            body["occurred_at"] = OCCURRED_AT
        return Operation(route, person, body, self.random.choice(("booth", "officer", "admin")))

    def _correction(self) -> dict[str, Any]:
        corrections: tuple[dict[str, Any], ...] = (
            {"name": "Peserta Lain"},
            {"region": self.random.choice(REGIONS), "phone": None},
            {"steps": sorted(self.random.sample(STEPS, 2))},
            {"agency": self.random.choice(AGENCIES), "campaign": None},
        )
        return self.random.choice(corrections)


def nik(person: int) -> str:
    """Return the NIK of a synthetic person; its region 31.99 does not exist."""
    return f"3199010101{90:02}{person:04}"


def import_file() -> str:
    """Return a CSV file with three people, one of them with completed steps."""
    steps = ("", "P2;P4", "")
    rows = [
        f"Peserta Contoh,{nik(person)},{REGIONS[index]},2026-01,{OCCURRED_AT},{steps[index]}"
        for index, person in enumerate(IMPORTED)
    ]
    return "\n".join(["name,nik,region,consent,occurred_at,steps", *rows]) + "\n"
