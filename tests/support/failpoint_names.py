"""The names of each process's failpoints, each between two effects that are visible outside the process."""

API = ("api.before_commit", "api.after_commit")
IMPORT = ("import.before_commit", "import.after_commit")
RELAY = ("relay.before_produce", "relay.after_produce", "relay.after_ack", "relay.after_advance")
AUDIT = ("audit.before_snapshot", "audit.after_snapshot", "audit.before_send", "audit.after_send")
WORKER = ("worker.before_store", "worker.after_store")
PUBLISHER = ("publisher.before_produce", "publisher.after_produce")
PUBLISHER_NUMBERS_AND_MINUTES = (
    "publisher.before_reserve",
    "publisher.before_keep",
    "publisher.before_minutes",
    "publisher.after_minutes",
)
REBUILD = ("rebuild.before_swap", "rebuild.after_swap")
NOTIFIER = (
    "notifier.before_latch",
    "notifier.before_latch_commit",
    "notifier.after_latch",
    "notifier.before_attempt",
    "notifier.before_send",
    "notifier.after_send",
    "notifier.after_receipt",
)
