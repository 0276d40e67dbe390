"""The rivals of our system.

A rival of the aggregator is a process that counts the same topic and reports its counts. It reads the
environment variables BENCH_SERVERS, BENCH_TOPIC, BENCH_GROUP, BENCH_EVENTS and BENCH_FOLDER. When all events
are counted, the process prints one line of JSON to standard output: {"tenth_at_s", "last_at_s", "timed",
"counts"}. These are the monotonic times at which a tenth of the events and all events were counted, the
number of events between the two times, and the count of each "region|agency|campaign".
"""
