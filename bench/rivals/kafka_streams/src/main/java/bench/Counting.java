package bench;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.QueryableStoreTypes;

/** Runs one of the topologies until SIGTERM; reports once, when all events are counted or at the end. */
public final class Counting {
    private final KafkaStreams streams;
    private final Progress progress;
    private boolean reported;

    private Counting(Map<String, String> environment, String topology) {
        progress = new Progress(Long.parseLong(environment.get("BENCH_EVENTS")));
        String topic = environment.get("BENCH_TOPIC");
        Topology built = topology.equals("dsl") ? Topologies.dsl(topic, progress) : Topologies.processor(topic, progress);
        streams = new KafkaStreams(built, properties(environment));
    }

    public static void main(String[] arguments) throws InterruptedException {
        Counting counting = new Counting(System.getenv(), arguments[0]);
        Runtime.getRuntime().addShutdownHook(new Thread(counting::end));
        counting.streams.start();
        counting.progress.done.await();
        counting.report();
    }

    private void end() {
        report();
        streams.close(Duration.ofSeconds(5));
    }

    private synchronized void report() {
        if (reported) {
            return;
        }
        reported = true;
        StringBuilder text = new StringBuilder();
        counts().forEach((key, count) -> text.append(text.isEmpty() ? "" : ",").append('"').append(key).append("\":").append(count));
        System.out.printf(Locale.ROOT, "{\"tenth_at_s\":%.6f,\"last_at_s\":%.6f,\"timed\":%d,\"counts\":{%s}}%n",
            progress.tenthAt, progress.lastAt, progress.timed(), text);
        System.out.flush();
    }

    private Map<String, Long> counts() {
        Map<String, Long> counts = new TreeMap<>();
        var store = streams.store(
            StoreQueryParameters.fromNameAndType(Topologies.STORE, QueryableStoreTypes.<String, Long>keyValueStore()));
        try (KeyValueIterator<String, Long> all = store.all()) {
            while (all.hasNext()) {
                KeyValue<String, Long> entry = all.next();
                counts.merge(entry.key, entry.value, Long::sum);
            }
        }
        return counts;
    }

    private static Properties properties(Map<String, String> environment) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, environment.get("BENCH_GROUP"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, environment.get("BENCH_SERVERS"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, environment.get("BENCH_FOLDER"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        // The same fetch size and the same group time-outs as our worker.
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 << 20);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 6_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), 2_000);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        return properties;
    }
}
