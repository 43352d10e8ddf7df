import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.LongAdder;

/** The view carrier_hours.sql over the stream `departures`, as one would write it for Kafka Streams. */
final class CarrierHours {
    private static final Duration HOUR = Duration.ofHours(1);
    /**
     * Tasks read their partitions each at its own speed, so that behind the repartitioning nothing
     * bounds how far events are out of order: this is wide enough to drop none of them.
     */
    private static final Duration GRACE = Duration.ofDays(2 * 366);

    /** A window store has a RocksDB for every half of its retention: with a short one it opens thousands. */
    private static final Duration RETENTION_MIN = Duration.ofDays(4);

    /** How many events have come how far. */
    final LongAdder read = new LongAdder();
    final LongAdder kept = new LongAdder();
    final LongAdder aggregated = new LongAdder();

    Topology topology(Settings settings, String output) {
        var builder = new StreamsBuilder();
        var delay = Duration.ofMillis(settings.watermarkDelayMs());
        var retention = delay.compareTo(RETENTION_MIN) < 0 ? RETENTION_MIN : delay;
        builder.addStateStore(Stores.windowStoreBuilder(
            Stores.persistentWindowStore(OnTimeOnce.STORE, retention, Duration.ofMillis(1), false),
            Serdes.String(),
            Serdes.ByteArray()).withCachingEnabled());
        builder
            .stream(settings.topic(), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .process(() -> new OnTimeOnce(settings, read, kept), OnTimeOnce.STORE)
            .groupByKey(Grouped.with(Serdes.String(), Departure.SERDE))
            .windowedBy(TimeWindows.ofSizeAndGrace(HOUR, GRACE))
            .aggregate(() -> Delays.NONE, this::add, Materialized.with(Serdes.String(), Delays.SERDE))
            .toStream()
            .map((key, row) -> {
                var hour = Instant.ofEpochMilli(key.window().start()).toString();
                return KeyValue.pair("[\"" + key.key() + "\",\"" + hour + "\"]", row.toJson(key.key(), hour));
            })
            .to(output, Produced.with(Serdes.String(), Serdes.String()));
        return builder.build();
    }

    private Delays add(String carrier, Departure departure, Delays row) {
        aggregated.increment();
        return row.plus(departure.delayMinutes());
    }
}
