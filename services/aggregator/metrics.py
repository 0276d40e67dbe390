"""The aggregator's Prometheus metrics."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

COUNTED: Final = Counter("aggregator_events_counted", "Events counted, each exactly once.")
PASSED: Final = Counter(
    "aggregator_events_passed", "Events that changed nothing: repeats, and events beyond a gap."
)
QUARANTINED: Final = Counter(
    "aggregator_records_quarantined", "Records put into quarantine, by reason.", ["reason"]
)
BATCHES: Final = Counter("aggregator_batches", "Fetched batches of one partition, by result.", ["outcome"])
DECODER: Final = Gauge(
    "aggregator_decoder_info", "1 for the decoder of this process, with the reason.", ["decoder", "reason"]
)
STORE_SECONDS: Final = Histogram(
    "aggregator_store_seconds",
    "Duration of the statement that counts a fetch.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
STORE_RETRIES: Final = Counter("aggregator_store_retries", "Retries of a fetch after a failed statement.")
SEEKS: Final = Counter("aggregator_gap_seeks", "Seeks back to the stored offset because of a gap.")
ASSIGNED: Final = Gauge("aggregator_partitions_assigned", "Partitions assigned to this worker.")
BEHIND: Final = Gauge(
    "aggregator_records_behind", "Records of the worker's partitions that it has not read yet."
)
CUTS: Final = Counter("aggregator_cut_records", "Records published to region-counts, by kind.", ["kind"])
CUT_SECONDS: Final = Histogram(
    "aggregator_cut_seconds",
    "Time from reading a cut's snapshot to its acknowledgement.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
GAPS: Final = Gauge(
    "aggregator_gaps", "Partitions whose next event is missing although later ones have arrived."
)
OUTSTANDING: Final = Gauge(
    "aggregator_quarantined_outstanding", "Quarantined or skipped events that are not in the counts."
)
IGNORED: Final = Gauge(
    "aggregator_records_ignored", "Records of the event topic in partitions that the register does not have."
)
MINUTES: Final = Counter("aggregator_minute_records", "Records published to region-minutes.")
REBUILDS: Final = Counter("aggregator_rebuilds", "Rebuilds, by outcome.", ["outcome"])
