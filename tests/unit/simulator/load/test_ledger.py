"""A line of the ledger is on disk when it is acknowledged, and any prefix of the file can be read."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from tempfile import NamedTemporaryFile

from hypothesis import given
from hypothesis import strategies as st

from simulator.load.ledger import Answer, Intent, Ledger, Run, next_person, read

RUN = Run(run="r1", seed=7, first_person=100, campaign="fest-r1", probe_campaign="probe-r1")


def intent(number: int, person: int = 100) -> Intent:
    return Intent(number, "register", f"r1-{number}", person, "31.71.01.1001", "2021-10-24T12:00:00+00:00")


async def write(path: Path, *lines: Run | Intent | Answer) -> None:
    ledger = Ledger(path)
    flushing = asyncio.ensure_future(ledger.flush_forever(pause_s=0))
    for line in lines:
        await ledger.put(line)
    flushing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flushing
    ledger.close()


async def test_a_line_is_on_disk_when_its_future_is_done(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    ledger = Ledger(path)
    flushing = asyncio.ensure_future(ledger.flush_forever(pause_s=0))

    await ledger.put(RUN)

    assert list(read(path)) == [RUN]
    flushing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flushing
    ledger.close()


async def test_lines_put_before_the_end_are_written(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    ledger = Ledger(path)
    flushing = asyncio.ensure_future(ledger.flush_forever(pause_s=0))
    done = [ledger.put(intent(number)) for number in range(5)]

    await asyncio.gather(*done)
    flushing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flushing
    ledger.close()

    assert [line.number for line in read(path) if isinstance(line, Intent)] == [0, 1, 2, 3, 4]


@given(st.integers(0, 120))
def test_a_ledger_truncated_anywhere_reads_as_its_complete_lines(cut: int) -> None:
    lines: list[Run | Intent | Answer] = [RUN, intent(1), Answer(1, "accepted", 201, 1, "p", 1)]
    whole = b"".join(Ledger.encoded(line) for line in lines)
    left = whole[: len(whole) - cut]
    with NamedTemporaryFile() as file:
        file.write(left)
        file.flush()

        found = list(read(Path(file.name)))

    assert found == lines[: left.count(b"\n")]


async def test_the_next_run_starts_after_all_people_of_earlier_runs(tmp_path: Path) -> None:
    assert next_person(tmp_path, 100) == 100

    await write(tmp_path / "r1.jsonl", RUN, intent(1, 100), intent(2, 104), intent(3, 101))

    assert next_person(tmp_path, 100) == 105
