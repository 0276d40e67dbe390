package bench;

import java.util.concurrent.CountDownLatch;

/** Counts what the one stream thread has counted, and keeps the moments of the first tenth and of the last event. */
final class Progress {
    final CountDownLatch done = new CountDownLatch(1);
    private final long events;
    private final long tenth;
    private long seen;
    volatile double tenthAt;
    volatile double lastAt;

    Progress(long events) {
        this.events = events;
        this.tenth = events / 10;
    }

    void one() {
        seen++;
        if (seen == tenth) {
            tenthAt = now();
        } else if (seen == events) {
            lastAt = now();
            done.countDown();
        }
    }

    long timed() {
        return events - tenth;
    }

    private static double now() {
        return System.nanoTime() / 1e9;
    }
}
