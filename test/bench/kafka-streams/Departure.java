import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

import java.nio.ByteBuffer;

/** The one column that is aggregated; carrier and departure time are the record's key and time. */
record Departure(int delayMinutes) {
    static final Serde<Departure> SERDE = Serdes.serdeFrom(
        (topic, departure) -> ByteBuffer.allocate(4).putInt(departure.delayMinutes).array(),
        (topic, bytes) -> new Departure(ByteBuffer.wrap(bytes).getInt()));
}
