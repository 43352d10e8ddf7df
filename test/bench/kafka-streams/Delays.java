import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

import java.nio.ByteBuffer;

/** A row of carrier_hours.sql without its key. */
record Delays(long departures, long delayed, long sum, int min, int max) {
    private static final int BYTES = 3 * Long.BYTES + 2 * Integer.BYTES;

    static final Delays NONE = new Delays(0, 0, 0, Integer.MAX_VALUE, Integer.MIN_VALUE);

    static final Serde<Delays> SERDE = Serdes.serdeFrom(
        (topic, row) -> row == null ? null : ByteBuffer.allocate(BYTES)
            .putLong(row.departures).putLong(row.delayed).putLong(row.sum)
            .putInt(row.min).putInt(row.max).array(),
        (topic, bytes) -> {
            if (bytes == null) return null;
            var buffer = ByteBuffer.wrap(bytes);
            return new Delays(buffer.getLong(), buffer.getLong(), buffer.getLong(), buffer.getInt(), buffer.getInt());
        });

    Delays plus(int minutes) {
        return new Delays(
            departures + 1,
            delayed + (minutes > 15 ? 1 : 0),
            sum + minutes,
            Math.min(min, minutes),
            Math.max(max, minutes));
    }

    String toJson(String carrier, String hour) {
        return "{\"carrier\":\"" + carrier + "\",\"hour\":\"" + hour + "\",\"departures\":" + departures
            + ",\"delayed\":" + delayed + ",\"delay_minutes_sum\":" + sum + ",\"delay_minutes_min\":" + min
            + ",\"delay_minutes_max\":" + max + ",\"delay_minutes_avg\":" + (double) sum / departures + "}";
    }
}
