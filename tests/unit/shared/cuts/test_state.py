"""The records of a topic change a reader's cut, and no order of records leads to a wrong count."""

from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cuts.records import CutRecord, Row
from cuts.state import ApplyReason, CutState
from tests.support.samples.cuts import at, cut_record, row

JAKARTA = ("all", "31", "registered")


def test_a_reader_is_ready_at_its_first_complete_full() -> None:
    state = CutState()

    before = state.apply(cut_record(2, base=1, rows=(row("31", 2),)))
    first_part = state.apply(cut_record(2, part=0, parts=2, rows=(row("31", 2),)))
    ready_between = state.ready
    second_part = state.apply(cut_record(2, part=1, parts=2, rows=(row("31.71", 2),)))

    assert (before.reason, first_part.reason, ready_between) == (
        ApplyReason.NOT_READY,
        ApplyReason.PART,
        False,
    )
    assert second_part.reason is ApplyReason.REPLACED
    assert state.ready
    assert state.id == "1.2"
    assert state.counts == {JAKARTA: 2, ("all", "31.71", "registered"): 2}


def test_a_change_applies_on_its_base_and_reports_the_changed_counts() -> None:
    state = CutState()
    state.apply(cut_record(1, rows=(row("31", 1), row("31.71", 1))))

    applied = state.apply(cut_record(2, base=1, rows=(row("31", 2), row("31.71", 1))))

    assert (applied.reason, applied.changed) == (ApplyReason.CHANGED, {JAKARTA: 2})
    assert state.version == (1, 2)


def test_a_change_on_another_base_changes_nothing() -> None:
    state = CutState()
    state.apply(cut_record(1, rows=(row("31", 1),)))

    skipping = state.apply(cut_record(3, base=2, rows=(row("31", 3),)))
    of_another_term = state.apply(cut_record(2, base=1, term=2, rows=(row("31", 2),)))

    assert (skipping.reason, of_another_term.reason) == (ApplyReason.OFF_BASE, ApplyReason.OFF_BASE)
    assert state.counts == {JAKARTA: 1}


def test_a_lower_term_changes_nothing_however_high_its_cut() -> None:
    state = CutState()
    state.apply(cut_record(5, term=2, rows=(row("31", 5),)))

    full = state.apply(cut_record(900, term=1, rows=(row("31", 900),)))
    change = state.apply(cut_record(901, base=5, term=1, rows=(row("31", 901),)))

    assert (full.reason, change.reason) == (ApplyReason.OLDER, ApplyReason.OLDER)
    assert state.counts == {JAKARTA: 5}


def test_a_heartbeat_proves_the_publisher_alive_and_changes_nothing() -> None:
    state = CutState()
    state.apply(cut_record(4, rows=(row("31", 4),)))

    applied = state.apply(cut_record(4, base=4))

    assert applied.reason is ApplyReason.REPEATED
    assert applied.publisher_alive
    assert not applied.state_changed


def test_a_full_that_contradicts_its_cut_replaces_it() -> None:
    state = CutState()
    state.apply(cut_record(4, rows=(row("31", 4),)))

    applied = state.apply(cut_record(4, rows=(row("31", 5),)))

    assert (applied.reason, applied.changed) == (ApplyReason.REPLACED, {JAKARTA: 5})


def test_a_count_of_zero_and_a_row_missing_from_a_full_are_removed_and_reported_as_zero() -> None:
    state = CutState()
    state.apply(cut_record(1, rows=(row("31", 2), row("31.71", 1), row("31.72", 1))))

    by_change = state.apply(cut_record(2, base=1, rows=(row("31", 1), row("31.71", 0))))
    by_full = state.apply(cut_record(3, rows=(row("31", 1),)))

    assert by_change.changed == {JAKARTA: 1, ("all", "31.71", "registered"): 0}
    assert by_full.changed == {("all", "31.72", "registered"): 0}
    assert state.counts == {JAKARTA: 1}


def test_parts_of_two_fulls_are_never_mixed() -> None:
    state = CutState()
    state.apply(cut_record(1, part=0, parts=2, rows=(row("31", 1),)))
    state.apply(cut_record(2, part=0, parts=2, rows=(row("31", 2),)))

    late = state.apply(cut_record(1, part=1, parts=2, rows=(row("31.71", 1),)))
    complete = state.apply(cut_record(2, part=1, parts=2, rows=(row("31.71", 2),)))

    assert (late.reason, complete.reason) == (ApplyReason.PART, ApplyReason.REPLACED)
    assert state.counts == {JAKARTA: 2, ("all", "31.71", "registered"): 2}


def test_a_part_sent_twice_does_not_complete_a_full() -> None:
    state = CutState()
    state.apply(cut_record(1, part=0, parts=3))
    state.apply(cut_record(1, part=1, parts=3))

    repeated = state.apply(cut_record(1, part=1, parts=3))

    assert repeated.reason is ApplyReason.PART
    assert not state.ready


# In this small world, one publisher after another counts two cities. A publisher that lost its lease may
# still write.

CITIES = ("31.71", "31.72")
Version = tuple[int, int]


@dataclass
class Publisher:
    """The state of a current or former leader. All leaders share the counts and the cut number."""

    term: int
    base: int


@dataclass
class World:
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("31", *CITIES), 0))
    cut: int = 0
    log: list[CutRecord] = field(default_factory=list)
    truth: dict[Version, dict[str, int]] = field(default_factory=dict)
    publishers: list[Publisher] = field(default_factory=list)
    fulls: int = 0

    def rows(self) -> tuple[Row, ...]:
        return tuple(row(region, count) for region, count in self.counts.items())

    def move(self, city: str, by: int) -> None:
        if self.counts[city] + by >= 0:
            self.counts[city] += by
            self.counts["31"] += by

    def take_over(self, random: Random) -> None:
        """Add a leader, which publishes a full record under the cut number of the leader before it.

        The counts of the full record may differ from the counts published before, as after a rebuild.
        """
        self.move(random.choice(CITIES), random.choice((0, 1)))
        self.publishers.append(Publisher(term=len(self.publishers) + 1, base=self.cut))
        self.full(len(self.publishers) - 1, 2)

    def change(self, which: int, city: str, by: int) -> None:
        self.move(city, by)
        publisher = self.publishers[which % len(self.publishers)]
        self.cut += 1
        held = self.truth[publisher.term, publisher.base]
        rows = tuple(row(region, n) for region, n in self.counts.items() if held[region] != n)
        self.truth[publisher.term, self.cut] = dict(self.counts)
        self.log.append(cut_record(self.cut, base=publisher.base, term=publisher.term, rows=rows))
        publisher.base = self.cut

    def full(self, which: int, parts: int) -> None:
        publisher = self.publishers[which % len(self.publishers)]
        if (publisher.term, publisher.base) in self.truth:
            self.cut += 1
            publisher.base = self.cut
        self.truth[publisher.term, publisher.base] = dict(self.counts)
        rows = self.rows()
        self.fulls += 1
        self.log += [
            cut_record(
                publisher.base,
                term=publisher.term,
                part=part,
                parts=parts,
                rows=rows[part::parts],
                as_of=at(self.fulls),
            )
            for part in range(parts)
        ]


def publish(world: World, random: Random) -> None:
    """Let current and former leaders publish changes and full records, and let new leaders take over."""
    for _ in range(random.randint(3, 12)):
        step = random.choice(("change", "change", "change", "full", "full", "take_over"))
        if step == "change":
            world.change(random.randrange(3), random.choice(CITIES), random.choice((1, 1, -1)))
        elif step == "full":
            world.full(random.randrange(3), random.randint(1, 3))
        else:
            world.take_over(random)


def as_read(world: World, random: Random) -> list[CutRecord]:
    """Return the topic's records from a random offset on.

    Some records of former leaders are repeated, and some records are lost.
    """
    log = world.log[random.randrange(len(world.log)) // 2 :]
    late = [record for record in world.log if record.term < len(world.publishers)]
    for record in random.choices(late, k=random.randrange(4)) if late else []:
        log.insert(random.randint(0, len(log)), record)
    return [record for record in log if random.random() > 0.25]


@settings(max_examples=500)
@given(random=st.randoms(use_true_random=False))
def test_a_reader_that_starts_anywhere_ends_at_the_true_counts_and_never_goes_back(random: Random) -> None:
    world = World()
    world.take_over(random)
    publish(world, random)
    log = as_read(world, random)
    world.log.clear()
    world.full(len(world.publishers) - 1, 2)
    state = CutState()
    newest: Version = (0, 0)

    for record in log + world.log:
        state.apply(record)

        assert state.version >= newest
        newest = state.version
        if state.ready:
            shown = {region: state.counts.get(("all", region, "registered"), 0) for region in world.counts}
            assert shown == world.truth[state.version]
            assert shown["31"] == shown["31.71"] + shown["31.72"]

    assert state.ready
    assert {key[1]: count for key, count in state.counts.items()} == {
        region: count for region, count in world.counts.items() if count
    }
