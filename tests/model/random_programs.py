"""Random programs of fifty steps. A step is a process's work, which may fail, or an event outside processes.

A program is drawn as bytes, three for each step, because drawing each step by itself would take longer than
running the step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.model.invariants import Invariants
from tests.model.process_driver import Process
from tests.model.stepping_loop import SteppingLoop
from tests.model.system_model import PAUSE_S, SystemModel

STEPS: Final = 50
STEP_BYTES: Final = 3
PROCESSES: Final = {"api": 6, "relay": 5, "worker": 5, "publisher": 6, "notifier": 2, "sender": 2}
"""The relative frequency of each process."""
EVENTS: Final = {
    "renew relay": 1,
    "renew publisher": 1,
    "relay checks positions": 1,
    "board reads": 4,
    "board saves": 1,
    "board reconnects": 1,
    "board restarts": 1,
    "one round of all processes": 6,
    "time passes": 3,
    "delayed request arrives": 3,
    "topic loses its newest records": 1,
    "topic is truncated": 1,
    "foreign record": 1,
    "receiver changes": 1,
}
ACTORS: Final = (
    "nothing",
    *(name for names in (PROCESSES, EVENTS) for name, weight in names.items() for _ in range(weight)),
)
POINTS: Final = (1, 2, 3, 5)
ACTIONS: Final = (
    *["completes"] * 5,
    *["advances"] * 3,
    *["fails"] * 3,
    "dies",
    "dies",
    "is cut off",
    *["is suspended"] * 2,
)
"""`is suspended`: the lease expires, the other process of the pair does a round, and this process resumes.
`is cut off`: the process fails or dies, and its request to Kafka arrives much later."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `choice` is a random number that selects a variant of the work or event."""

    actor: str
    instance: int
    action: str
    points: int
    choice: int

    def __repr__(self) -> str:
        action = f" {self.action} after {self.points} points" if self.actor in PROCESSES else ""
        return f"{self.actor} {'AB'[self.instance]}{action} {self.choice:#04x}"


def decode_program(program: bytes) -> list[Step]:
    """Decode a program into its steps."""
    steps = []
    for start in range(0, len(program), STEP_BYTES):
        actor, action, choice = program[start : start + STEP_BYTES]
        # The second byte selects the action (four bits), the number of interruption points (two bits), and
        # which of the two processes of a kind works (two bits).
        step = Step(
            ACTORS[actor % len(ACTORS)],
            int(action % 4 > 1),
            ACTIONS[action >> 4],
            POINTS[action >> 2 & 3],
            choice,
        )
        if step.actor != "nothing":
            steps.append(step)
    return steps


programs = st.binary(min_size=STEP_BYTES * STEPS, max_size=STEP_BYTES * STEPS).map(decode_program)


def run(program: Sequence[Step], system_type: type[SystemModel], loop: SteppingLoop) -> SystemModel:
    """Run a program, then let the system recover. Raises InvariantViolatedError."""
    system = system_type(loop)
    invariants = Invariants(system)
    try:
        for step in program:
            execute(system, step)
            invariants.check()
        invariants.check_after_recovery()
    finally:
        system.close()
    return system


def execute(system: SystemModel, step: Step) -> None:
    """Execute one step."""
    if step.actor in PROCESSES:
        kinds: dict[str, Sequence[Process]] = {
            "api": system.apis,
            "relay": system.relays,
            "worker": system.workers,
            "publisher": system.publishers,
            "notifier": system.notifiers,
            "sender": system.senders,
        }
        kind = kinds[step.actor]
        _drive(system, kind[step.instance], kind[1 - step.instance], step)
    else:
        _EVENTS[step.actor](system, step)


def _drive(system: SystemModel, process: Process, other: Process, step: Step) -> None:
    if not process.driver.busy:
        process.renew()
    if step.action == "completes":
        process.run(step.choice)
        return
    process.advance(step.choice, step.points)
    match step.action:
        case "fails":
            process.fail()
        case "dies":
            process.kill()
        case "is cut off":
            if process.pending_request is not None:
                system.topic.delayed.append(process.pending_request)
            process.fail() if step.choice & 1 else process.kill()
        case "is suspended":
            system.clock.now_s += PAUSE_S
            other.renew()
            other.run(step.choice)
            process.run(step.choice)


_EVENTS: Final[dict[str, Callable[[SystemModel, Step], None]]] = {
    "renew relay": lambda system, step: system.relays[step.instance].renew(),
    "renew publisher": lambda system, step: system.publishers[step.instance].renew(),
    "relay checks positions": lambda system, step: system.relays[step.instance].check_positions(),
    "board reads": lambda system, step: system.boards[step.instance].read(1 + step.choice % 4),
    "board saves": lambda system, step: system.boards[step.instance].save(),
    "board reconnects": lambda system, step: system.boards[step.instance].reconnect(),
    "board restarts": lambda system, step: system.boards[step.instance].restart(),
    "one round of all processes": lambda system, step: system.one_round(step.instance, step.choice),
    "time passes": lambda system, step: system.pass_time(step.choice),
    "delayed request arrives": lambda system, step: system.topic.deliver_delayed(),
    "topic loses its newest records": lambda system, step: system.lose_tail(step.choice),
    "topic is truncated": lambda system, step: system.empty(step.choice),
    "foreign record": lambda system, step: system.write_foreign_record(step.choice),
    "receiver changes": lambda system, step: system.change_receiver(step.choice),
}
