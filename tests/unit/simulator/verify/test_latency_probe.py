from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.clients.sse_client import Message, Parser
from simulator.load.latencies import Latencies
from simulator.verify.latency_probe import Probes


def test_a_probe_is_timed_from_its_answer_to_the_count_that_holds_it() -> None:
    probes = Probes(["a"])
    region = probes.take()
    assert region == "a"

    probes.told("a", 10.0)
    probes.seen("a", 1, 10.25)

    assert probes.latencies.seconds == [0.25]
    assert probes.take() == "a"


def test_a_count_seen_before_the_answer_is_a_latency_of_zero() -> None:
    probes = Probes(["a"])
    probes.take()

    probes.seen("a", 1, 9.9)
    probes.told("a", 10.0)

    assert probes.latencies.seconds == [0.0]
    assert probes.early == 1


def test_an_unchanged_count_does_not_stand_for_a_probe() -> None:
    probes = Probes(["a"])
    probes.seen("a", 3, 1.0)
    probes.take()
    probes.told("a", 2.0)

    probes.seen("a", 3, 2.1)

    assert probes.on_their_way == 1
    assert probes.oldest_s(4.0) == 2.0


def test_a_kelurahan_whose_probe_was_not_accepted_is_never_used_again() -> None:
    probes = Probes(["a"])
    probes.take()

    probes.drop("a")

    assert probes.take() is None


@given(st.lists(st.sampled_from("ab"), max_size=30), st.randoms(use_true_random=False))
def test_no_kelurahan_ever_has_two_probes_and_each_probe_is_timed_once(
    order: list[str], dice: object
) -> None:
    probes = Probes(["a", "b"])
    under_way: set[str] = set()
    taken = 0
    counts = {"a": 0, "b": 0}
    for step, region in enumerate(order):
        if (probe := probes.take()) is not None:
            assert probe not in under_way
            under_way.add(probe)
            probes.told(probe, float(step))
            taken += 1
        if region in under_way:
            counts[region] += 1
            probes.seen(region, counts[region], float(step))
            under_way.discard(region)

    assert probes.latencies.count == taken - probes.on_their_way


def test_the_stream_is_parsed_as_the_standard_says() -> None:
    parser = Parser()
    lines = [
        b": ping",
        b"",
        b"event: delta",
        b"id: 7.12",
        b"data: {",
        b"data:}",
        b"retry: 10",
        b"",
        b"data: x",
        b"",
    ]

    messages = [message for line in lines if (message := parser.feed(line))]

    assert messages == [Message("delta", "7.12", b"{\n}"), Message("message", "7.12", b"x")]


@given(st.lists(st.floats(0, 9), min_size=1, max_size=9), st.floats(0, 100))
def test_a_percentile_is_a_measurement_with_so_many_at_or_below_it(
    seconds: list[float], percent: float
) -> None:
    value = Latencies(seconds).percentile_s(percent)

    assert value in seconds
    assert value is not None
    assert sum(one <= value for one in seconds) >= percent / 100 * len(seconds)


def test_without_measurements_there_is_no_percentile() -> None:
    assert Latencies().percentile_s(99) is None
