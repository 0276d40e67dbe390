package bench;

import java.util.concurrent.CountDownLatch;

/** Counts the events of the single stream thread, and records the times of the first tenth and of the last event. */
final class Progress {
    final CountDownLatch done = new CountDownLatch(1);
    private final long events;
    private final long tenth;
    private long counted;
    volatile double tenthAt;
    volatile double lastAt;

    Progress(long events) {
        this.events = events;
        this.tenth = events / 10;
    }

    void add() {
        counted++;
        if (counted == tenth) {
            tenthAt = now();
        } else if (counted == events) {
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
