"""The names of what the aggregator measures."""

from prometheus_client import Counter, Gauge, Histogram

COUNTED = Counter("aggregator_events_counted", "Events counted, each exactly once.")
PASSED = Counter("aggregator_events_passed", "Events that changed nothing: repeats, and those beyond a gap.")
QUARANTINED = Counter("aggregator_records_quarantined", "Records set aside, by reason.", ["reason"])
BATCHES = Counter("aggregator_batches", "Fetched batches, by what became of them.", ["outcome"])
STORE_SECONDS = Histogram(
    "aggregator_store_seconds",
    "Duration of the statement that counts a fetch.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
STORE_RETRIES = Counter("aggregator_store_retries", "Fetches tried again in place after a failure.")
SEEKS = Counter("aggregator_gap_seeks", "Times reading went back to the stored offset for a gap.")
ASSIGNED = Gauge("aggregator_partitions_assigned", "Partitions this worker reads.")
BEHIND = Gauge("aggregator_records_behind", "Records of the worker's partitions that it has not read yet.")
CUTS = Counter("aggregator_cut_records", "Records published to region-counts, by kind.", ["kind"])
CUT_SECONDS = Histogram(
    "aggregator_cut_seconds",
    "From reading a cut's snapshot to its acknowledgement.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
GAPS = Gauge("aggregator_gaps", "Partitions whose next event is missing though later ones were seen.")
OUTSTANDING = Gauge(
    "aggregator_quarantined_outstanding", "Quarantined or skipped events that are not in the counts."
)
MINUTES = Counter("aggregator_minute_records", "Records published to region-minutes.")
REBUILDS = Counter("aggregator_rebuilds", "Rebuilds, by outcome.", ["outcome"])
