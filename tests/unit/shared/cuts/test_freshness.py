"""Tests how the age and content of the records read decide the freshness and the coverage of a cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cuts.freshness import AUDIT_AGE_S_MAX, LIVE_S, STALE_S, Freshness, FreshnessState
from cuts.records import Audit
from tests.support.samples.cuts import at, register_state


def fresh_cut(positions: tuple[int, ...] = (5, 5), *, second: float = 0.0) -> Freshness:
    """Return the freshness after a cut at `positions` and a register state that the cut has reached.

    Both are received at `second`.
    """
    freshness = Freshness()
    freshness.register_state(register_state(second, *positions), second, is_new=True)
    freshness.cut(positions, 0, second, is_new=True)
    return freshness


def test_a_cut_that_reached_the_newest_register_state_is_live_as_of_that_state() -> None:
    view = fresh_cut().view(0.5)

    assert (view.state, view.as_of, view.coverage) == (FreshnessState.LIVE, at(0), 1.0)


def test_without_any_record_as_of_is_unknown_and_the_count_is_stale() -> None:
    view = Freshness().view(0.0)

    assert (view.state, view.as_of, view.coverage) == (FreshnessState.STALE, None, None)


def test_a_dead_relay_makes_the_count_older_although_cuts_and_register_states_arrive() -> None:
    freshness = fresh_cut()

    for second in range(1, 6):
        freshness.register_state(register_state(second, 5 + second, 5), float(second), is_new=True)
        freshness.cut((5, 5), 0, float(second), is_new=True)
    view = freshness.view(5.0)

    assert (view.state, view.as_of, view.coverage) == (FreshnessState.CATCHING_UP, at(0), 0.666666)


def test_a_dead_relay_shows_even_while_nobody_registers() -> None:
    freshness = fresh_cut()

    freshness.register_state(register_state(1, 5, 5, relay_alive=False), 1.0, is_new=True)

    assert freshness.view(1.0).state is FreshnessState.CATCHING_UP


def test_a_cut_of_a_former_epoch_reaches_no_state_of_the_new_epoch_although_its_positions_are_higher() -> (
    None
):
    freshness = fresh_cut((5, 5))
    freshness.register_state(register_state(1, 4, 4, epoch=2), 1.0, is_new=True)

    former = freshness.view(1.0 + LIVE_S)
    freshness.cut((4, 4), 0, 4.0, is_new=True, epoch=2)
    freshness.register_state(register_state(4, 4, 4, epoch=2), 4.0, is_new=True)
    new = freshness.view(4.0)

    assert (former.state, former.as_of, former.coverage) == (FreshnessState.CATCHING_UP, at(0), None)
    assert (new.state, new.as_of, new.coverage) == (FreshnessState.LIVE, at(4), 1.0)


def test_a_register_that_refuses_to_be_published_is_not_live() -> None:
    freshness = fresh_cut()

    freshness.register_state(register_state(1, 5, 5, refused="restored"), 1.0, is_new=True)

    assert freshness.view(1.0).state is FreshnessState.CATCHING_UP


@pytest.mark.parametrize(
    ("age_s", "later_s", "audited"),
    [(0.0, 0.0, True), (AUDIT_AGE_S_MAX, 0.0, True), (AUDIT_AGE_S_MAX + 0.1, 0.0, False), (59.0, 1.5, False)],
)
def test_an_audit_is_evidence_only_for_a_minute(age_s: float, later_s: float, audited: bool) -> None:
    freshness = fresh_cut()
    audit = Audit(cut="1.1", drift=0, checked_at=at(0), age_s=age_s)

    freshness.register_state(register_state(1, 5, 5, audit=audit), 1.0, is_new=True)

    assert freshness.view(1.0 + later_s).audited is audited


def test_an_audit_that_was_in_the_topic_before_the_reader_connected_is_no_evidence() -> None:
    freshness = Freshness()
    audit = Audit(cut="1.1", drift=0, checked_at=at(0))

    freshness.register_state(register_state(1, 5, 5, audit=audit), 1.0, is_new=False)

    assert freshness.view(1.0).audited is False


@pytest.mark.parametrize("silent", ["cuts", "register states"])
def test_five_seconds_without_a_cut_or_a_register_state_are_stale(silent: str) -> None:
    freshness = fresh_cut()

    for second in range(1, 5):
        if silent == "cuts":
            freshness.register_state(register_state(second, 5, 5), float(second), is_new=True)
        else:
            freshness.cut((5, 5), 0, float(second), is_new=True)

    assert freshness.view(STALE_S - 0.01).state is not FreshnessState.STALE
    assert freshness.view(STALE_S).state is FreshnessState.STALE


def test_records_from_before_the_connection_give_positions_but_prove_nobody_alive() -> None:
    freshness = Freshness()

    freshness.register_state(register_state(0, 5, 5), 100.0, is_new=False)
    freshness.cut((5, 5), 0, 100.0, is_new=False)
    view = freshness.view(100.0)

    assert (view.state, view.as_of, view.coverage) == (FreshnessState.STALE, at(0), 1.0)


def test_as_of_moves_to_the_newest_state_the_cut_has_reached_in_every_partition() -> None:
    freshness = fresh_cut((5, 5))
    freshness.register_state(register_state(1, 6, 5), 1.0, is_new=True)
    freshness.register_state(register_state(2, 6, 7), 2.0, is_new=True)

    freshness.cut((9, 6), 0, 2.1, is_new=True)

    assert freshness.view(2.1).as_of == at(1)


def test_coverage_is_never_rounded_up_to_complete() -> None:
    freshness = Freshness()
    freshness.register_state(register_state(0, 30_000_000), 0.0, is_new=True)
    freshness.cut((30_000_000,), 1, 0.0, is_new=True)

    coverage = freshness.view(0.0).coverage

    assert coverage is not None
    assert coverage < 1.0


def test_a_late_state_of_a_former_leader_is_ignored_but_a_restored_register_with_a_lower_term_is_read() -> (
    None
):
    freshness = Freshness()
    freshness.cut((5,), 0, 0.0, is_new=True)
    freshness.register_state(register_state(10, 5, term=4), 0.0, is_new=True)

    freshness.register_state(register_state(9, 4, term=3), 0.1, is_new=True)
    after_late = freshness.newest
    freshness.register_state(register_state(20, 3, term=1), 0.2, is_new=True)

    assert after_late is not None
    assert after_late.term == 4
    assert freshness.newest is not None
    assert freshness.newest.term == 1


@given(st.lists(st.tuples(st.sampled_from(("register", "cut")), st.integers(0, 2)), max_size=12))
def test_as_of_is_always_the_time_of_a_reached_state_and_never_goes_back(
    steps: list[tuple[str, int]],
) -> None:
    freshness = Freshness()
    accepted = counted = 0
    accepted_at: dict[float, int] = {}
    last_as_of = -1.0

    for second, (step, by) in enumerate(steps):
        if step == "register":
            accepted += by
            accepted_at[float(second)] = accepted
            freshness.register_state(register_state(second, accepted), float(second), is_new=True)
        else:
            counted = min(accepted, counted + by)
            freshness.cut((counted,), 0, float(second), is_new=True)
        view = freshness.view(float(second))

        if view.as_of is not None:
            as_of = (view.as_of - at(0)).total_seconds()
            assert accepted_at[as_of] <= counted
            assert as_of >= last_as_of
            assert all(time <= as_of for time, last in accepted_at.items() if last <= counted and counted)
            last_as_of = as_of
        if view.state is FreshnessState.LIVE:
            assert view.age_s < LIVE_S
        assert (view.coverage == 1.0) == (counted == accepted) or view.coverage is None
