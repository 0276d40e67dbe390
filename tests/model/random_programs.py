"""Programs: fifty steps each, of who does what, where it fails or dies, and what befalls the rest.

A program is drawn as bytes, three a step: drawing each step by itself would cost more than running it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.model.interruption_points import Process
from tests.model.invariants import Invariants
from tests.model.stepping_loop import SteppingLoop
from tests.model.system_model import REST_S, World

STEPS: Final = 50
STEP_BYTES: Final = 3
PROCESSES: Final = {"api": 6, "relay": 5, "worker": 5, "publisher": 6, "notifier": 2, "sender": 2}
"""How often each is chosen."""
EVENTS: Final = {
    "renew relay": 1,
    "renew publisher": 1,
    "relay looks": 1,
    "board reads": 4,
    "board saves": 1,
    "board reconnects": 1,
    "board restarts": 1,
    "everybody": 6,
    "sleep": 3,
    "arrive late": 3,
    "lose tail": 1,
    "empty": 1,
    "intrude": 1,
    "receive": 1,
}
WHO: Final = (
    "nobody",
    *(name for names in (PROCESSES, EVENTS) for name, weight in names.items() for _ in range(weight)),
)
POINTS: Final = (1, 2, 3, 5)
HOW: Final = (*["run"] * 5, *["go"] * 3, *["fails"] * 3, "dies", "dies", "is given up", *["falls asleep"] * 2)
"""`falls asleep`: time goes by, the other one of the pair does a round, and this one goes on as if nothing
had happened. `is given up`: it fails or dies, and what it had asked of Kafka arrives long after."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `what` chooses where there is a choice."""

    who: str
    which: int
    how: str
    points: int
    what: int

    def __repr__(self) -> str:
        how = f" {self.how} after {self.points} points" if self.who in PROCESSES else ""
        return f"{self.who} {'AB'[self.which]}{how} {self.what:#04x}"


def decoded(program: bytes) -> list[Step]:
    """The steps of a program."""
    steps = []
    for at in range(0, len(program), STEP_BYTES):
        who, how, what = program[at : at + STEP_BYTES]
        # Four bits of the second byte choose how, two after how many points, and two which of the pair.
        step = Step(WHO[who % len(WHO)], int(how % 4 > 1), HOW[how >> 4], POINTS[how >> 2 & 3], what)
        if step.who != "nobody":
            steps.append(step)
    return steps


programs = st.binary(min_size=STEP_BYTES * STEPS, max_size=STEP_BYTES * STEPS).map(decoded)


def run(program: Sequence[Step], world_of: type[World], loop: SteppingLoop) -> World:
    """Run a program, then let everything heal. Raises Violated where an invariant does not hold."""
    world = world_of(loop)
    invariants = Invariants(world)
    try:
        for step in program:
            take(world, step)
            invariants.hold()
        invariants.hold_healed()
    finally:
        world.close()
    return world


def take(world: World, step: Step) -> None:
    """One step."""
    if step.who in PROCESSES:
        kinds: dict[str, Sequence[Process]] = {
            "api": world.apis,
            "relay": world.relays,
            "worker": world.workers,
            "publisher": world.publishers,
            "notifier": world.notifiers,
            "sender": world.senders,
        }
        kind = kinds[step.who]
        _drive(world, kind[step.which], kind[1 - step.which], step)
    else:
        _EVENTS[step.who](world, step)


def _drive(world: World, process: Process, other: Process, step: Step) -> None:
    if not process.driver.busy:
        process.renew()
    if step.how == "run":
        process.run(step.what)
        return
    process.go(step.what, step.points)
    match step.how:
        case "fails":
            process.fail()
        case "dies":
            process.kill()
        case "is given up":
            if process.on_its_way is not None:
                world.topic.late.append(process.on_its_way)
            process.fail() if step.what & 1 else process.kill()
        case "falls asleep":
            world.clock.now_s += REST_S
            other.renew()
            other.run(step.what)
            process.run(step.what)


_EVENTS: Final[dict[str, Callable[[World, Step], None]]] = {
    "renew relay": lambda world, step: world.relays[step.which].renew(),
    "renew publisher": lambda world, step: world.publishers[step.which].renew(),
    "relay looks": lambda world, step: world.relays[step.which].look(),
    "board reads": lambda world, step: world.boards[step.which].read(1 + step.what % 4),
    "board saves": lambda world, step: world.boards[step.which].save(),
    "board reconnects": lambda world, step: world.boards[step.which].reconnect(),
    "board restarts": lambda world, step: world.boards[step.which].restart(),
    "everybody": lambda world, step: world.everybody(step.which, step.what),
    "sleep": lambda world, step: world.sleep(step.what),
    "arrive late": lambda world, step: world.topic.deliver_late(),
    "lose tail": lambda world, step: world.lose_tail(step.what),
    "empty": lambda world, step: world.empty(step.what),
    "intrude": lambda world, step: world.intrude(step.what),
    "receive": lambda world, step: world.receive(step.what),
}
