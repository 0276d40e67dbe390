package bench;

import java.util.Map;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** Two topologies for the same count, a custom processor and the DSL. An event changes one key, with ours all scopes. */
final class Topologies {
    static final String STORE = "counts";

    private Topologies() {
    }

    /** Counts in a cached in-memory store, so its changelog gets each key once per commit. */
    static Topology processor(String topic, Progress progress) {
        return new Topology()
            .addSource("events", new ByteArrayDeserializer(), new ByteArrayDeserializer(), topic)
            .addProcessor("count", () -> new Counter(progress), "events")
            .addStateStore(
                Stores.keyValueStoreBuilder(
                    Stores.inMemoryKeyValueStore(STORE), Serdes.String(), Serdes.Long())
                    .withCachingEnabled()
                    .withLoggingEnabled(Map.of()),
                "count");
    }

    /** The DSL's groupBy().count(), written with `aggregate` so that it can also count the progress. */
    static Topology dsl(String topic, Progress progress) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(topic, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .mapValues(value -> Event.read(value).after)
            .groupBy((key, standing) -> standing, Grouped.with(Serdes.String(), Serdes.String()))
            .aggregate(() -> 0L, (key, value, count) -> {
                progress.add();
                return count + 1;
            }, Materialized.<String, Long>as(Stores.inMemoryKeyValueStore(STORE))
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.Long())
                .withCachingEnabled());
        return builder.build();
    }

    private static final class Counter implements Processor<byte[], byte[], Void, Void> {
        private final Progress progress;
        private KeyValueStore<String, Long> counts;

        Counter(Progress progress) {
            this.progress = progress;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            counts = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            Event event = Event.read(record.value());
            if (event.before != null) {
                add(event.before, -1);
            }
            if (event.after != null) {
                add(event.after, 1);
            }
            progress.add();
        }

        private void add(String key, long change) {
            Long count = counts.get(key);
            counts.put(key, (count == null ? 0 : count) + change);
        }
    }
}
