"""The boards: replicas that follow region-counts by the product's rules, and what each of them shows."""

from __future__ import annotations

from cuts.records import CutRecord
from cuts.state import CutState
from tests.model.publishers import CutLog

Version = tuple[int, int]


class Board:
    """One replica; `went_back` says whether it ever showed a lower version than before in one life."""

    def __init__(self, log: CutLog) -> None:
        self._log = log
        self._saved: CutRecord | None = None
        self.went_back = False
        self.restart()

    def restart(self) -> None:
        """Die and start again, with the cut kept in the file, if any."""
        self.state = self.empty()
        if self._saved is not None:
            self.state.apply(self._saved)
        self._offset: int | None = None

    def empty(self) -> CutState:
        """The state of a reader that has read nothing."""
        return CutState()

    def reconnect(self) -> None:
        """Lose the connection, and find the start anew."""
        self._offset = None

    def read(self, records_max: int) -> None:
        """Take the next records."""
        if self._offset is None:
            self._offset = self._log.start()
        for record in self._log.records[self._offset : self._offset + records_max]:
            self._offset += 1
            before = self.state.version
            self.state.apply(record)
            self.went_back = self.went_back or self.state.version < before

    def save(self) -> None:
        """Keep the cut shown in the file."""
        state = self.state
        if state.ready and state.as_of is not None:
            self._saved = CutRecord(
                cut=state.cut,
                term=state.term,
                kind="full",
                as_of=state.as_of,
                positions=state.positions,
                gaps=state.gaps,
                quarantined=state.quarantined,
                quarantined_total=state.quarantined_total,
                rows=tuple((*key, count) for key, count in state.counts.items()),
            )
