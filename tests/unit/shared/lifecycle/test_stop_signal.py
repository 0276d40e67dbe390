"""A stop may be announced before it takes effect, so that a proxy notices it."""

from __future__ import annotations

import os
import signal

from lifecycle.stop_signal import StopSignal, run

ANNOUNCED_S = 0.2
LONG_S = 60.0


def test_the_stop_takes_effect_after_the_announcement() -> None:
    seen: list[tuple[bool, bool]] = []

    async def main(stopping: StopSignal) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while not stopping.is_announced():
            await stopping.wait(0.001)
        seen.append((stopping.is_announced(), stopping.is_set()))
        await stopping.wait()
        seen.append((stopping.is_announced(), stopping.is_set()))

    run(main, ANNOUNCED_S)

    assert seen == [(True, False), (True, True)]


def test_without_an_announcement_the_stop_takes_effect_at_once() -> None:
    async def main(stopping: StopSignal) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stopping.wait(LONG_S)

    run(main)


def test_a_second_signal_ends_the_announcement() -> None:
    async def main(stopping: StopSignal) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while not stopping.is_announced():
            await stopping.wait(0.001)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stopping.wait(LONG_S / 2)

    run(main, LONG_S)
