"""The model's boards: replicas that read region-counts with the product's reader."""

from __future__ import annotations

from cuts.missed_full import MissedFull
from cuts.records import CutRecord
from cuts.state import CutState
from tests.model.publishers import CutLog

Version = tuple[int, int]


class Board:
    """A replica of the board. `showed_older_cut` is set once an older cut follows a cut without a restart."""

    def __init__(self, log: CutLog) -> None:
        self._log = log
        self._saved: CutRecord | None = None
        self.showed_older_cut = False
        self.restart()

    def restart(self) -> None:
        """Restart with the cut in the state file, if there is one."""
        self.state = self.new_state()
        if self._saved is not None:
            self.state.apply(self._saved)
        self._offset: int | None = None
        self._missed_full = MissedFull()

    def new_state(self) -> CutState:
        """Return the state of a reader before its first record."""
        return CutState()

    def reconnect(self) -> None:
        """Lose the connection to Kafka. The next read begins at the newest full record again."""
        self._offset = None
        self._missed_full = MissedFull()

    def read(self, records_max: int) -> None:
        """Read and apply the next records."""
        if self._offset is None:
            self._offset = self._log.start()
        for _ in range(records_max):
            if self._offset >= len(self._log.records):
                return
            record = self._log.records[self._offset]
            self._offset += 1
            before = self.state.version
            self.state.apply(record)
            self.showed_older_cut = self.showed_older_cut or self.state.version < before
            again_from = self._missed_full.seek_after(record)
            if again_from is not None:
                self._offset = again_from

    def save(self) -> None:
        """Write the current cut to the state file."""
        state = self.state
        if state.ready and state.as_of is not None:
            self._saved = CutRecord(
                cut=state.cut,
                term=state.term,
                kind="full",
                as_of=state.as_of,
                positions=state.positions,
                gaps=state.gaps,
                quarantined_ranges=tuple(state.quarantined),
                quarantined_total=state.quarantined_total,
                rows=tuple((*key, count) for key, count in state.counts.items()),
            )
