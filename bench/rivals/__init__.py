"""What the aggregator is measured against: each a process that counts the same topic and reports.

Settings come as BENCH_SERVERS, BENCH_TOPIC, BENCH_GROUP, BENCH_EVENTS and BENCH_FOLDER. Once all events are
counted one line goes to standard output: {"tenth_at_s", "last_at_s", "timed", "counts"}, the moments of the
first tenth and of the last event by the process's own clock, the events between them, and the count of each
"region|agency|campaign".
"""
