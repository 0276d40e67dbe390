from collections.abc import Collection

from aggregator.domain.event import Record
from aggregator.domain.event_fold import Fold

STANDINGS_MAX: int
BUILT_FROM: str

class Decoder:
    def fold_straight_run(self, records: Collection[Record], partition: int, /) -> Fold | None: ...
