"""Each latency probe is measured once, the parser follows the SSE standard, and percentiles are exact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.clients.sse_client import Message, Parser
from simulator.load.latencies import Latencies
from simulator.verify.latency_probe import LatencyProbes


def test_a_latency_is_measured_from_the_response_to_the_count_that_contains_the_probe() -> None:
    probes = LatencyProbes(["a"])
    region = probes.next_region()
    assert region == "a"

    probes.accepted("a", 10.0)
    probes.observed("a", 1, 10.25)

    assert probes.latencies.seconds == [0.25]
    assert probes.next_region() == "a"


def test_a_count_observed_before_the_response_is_a_latency_of_zero() -> None:
    probes = LatencyProbes(["a"])
    probes.next_region()

    probes.observed("a", 1, 9.9)
    probes.accepted("a", 10.0)

    assert probes.latencies.seconds == [0.0]
    assert probes.early == 1


def test_an_unchanged_count_completes_no_probe() -> None:
    probes = LatencyProbes(["a"])
    probes.observed("a", 3, 1.0)
    probes.next_region()
    probes.accepted("a", 2.0)

    probes.observed("a", 3, 2.1)

    assert probes.pending == 1
    assert probes.oldest_s(4.0) == 2.0


def test_a_kelurahan_whose_probe_was_not_accepted_is_never_used_again() -> None:
    probes = LatencyProbes(["a"])
    probes.next_region()

    probes.retire("a")

    assert probes.next_region() is None


@given(st.lists(st.sampled_from("ab"), max_size=30), st.randoms(use_true_random=False))
def test_no_kelurahan_has_two_pending_probes_and_each_probe_is_measured_once(
    order: list[str], rng: object
) -> None:
    probes = LatencyProbes(["a", "b"])
    pending_regions: set[str] = set()
    accepted = 0
    counts = {"a": 0, "b": 0}
    for step, region in enumerate(order):
        if (probe := probes.next_region()) is not None:
            assert probe not in pending_regions
            pending_regions.add(probe)
            probes.accepted(probe, float(step))
            accepted += 1
        if region in pending_regions:
            counts[region] += 1
            probes.observed(region, counts[region], float(step))
            pending_regions.discard(region)

    assert probes.latencies.count == accepted - probes.pending


def test_the_stream_is_parsed_according_to_the_standard() -> None:
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
def test_a_percentile_is_a_measurement_with_that_share_at_or_below_it(
    seconds: list[float], percent: float
) -> None:
    value = Latencies(seconds).percentile_s(percent)

    assert value in seconds
    assert value is not None
    assert sum(second <= value for second in seconds) >= percent / 100 * len(seconds)


def test_without_measurements_there_is_no_percentile() -> None:
    assert Latencies().percentile_s(99) is None
