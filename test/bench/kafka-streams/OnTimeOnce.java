import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.WindowStore;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Decodes a departure, keeps it if it is on time and not a duplicate by id and departure time, and
 * makes its carrier the key and its departure time the record's time. Duplicates are only found
 * within a partition: the topic's key decides where an event goes, and a repartitioning by id, as a
 * Spark query has it, would cost this program another trip of all events through Kafka.
 */
final class OnTimeOnce implements Processor<byte[], byte[], String, Departure> {
    static final String STORE = "seen";

    private static final byte[] NOTHING = {};
    private static final List<String> COLUMNS = List.of("carrier", "departed_at", "delay_minutes");

    private final Settings settings;
    private final LongAdder read;
    private final LongAdder kept;
    private final GenericDatumReader<GenericRecord> reader;
    private ProcessorContext<String, Departure> context;
    private WindowStore<String, byte[]> seen;
    private BinaryDecoder decoder;
    private GenericRecord departure;

    OnTimeOnce(Settings settings, LongAdder read, LongAdder kept) {
        this.settings = settings;
        this.read = read;
        this.kept = kept;
        var written = new Schema.Parser().parse(settings.schema());
        var wanted = Schema.createRecord(written.getName(), null, written.getNamespace(), false);
        wanted.setFields(COLUMNS.stream()
            .map(name -> new Schema.Field(name, written.getField(name).schema()))
            .toList());
        this.reader = new GenericDatumReader<>(written, wanted);
    }

    @Override
    public void init(ProcessorContext<String, Departure> context) {
        this.context = context;
        this.seen = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        read.increment();
        decode(record.value());
        var at = (Long) departure.get("departed_at");
        if (!isOnTime(at, record)) return;
        var id = text(record.headers(), "kappa-id");
        if (seen.fetch(id, at) != null) return;
        seen.put(id, NOTHING, at);
        kept.increment();
        var value = new Departure((Integer) departure.get("delay_minutes"));
        context.forward(new Record<>(departure.get("carrier").toString(), value, at));
    }

    /** Confluent wire format: a zero byte, the schema's id, Avro. */
    private void decode(byte[] value) {
        var envelope = ByteBuffer.wrap(value);
        if (envelope.get() != 0 || envelope.getInt() != settings.schemaId()) {
            throw new IllegalArgumentException("A record of another schema.");
        }
        decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, decoder);
        try {
            departure = reader.read(departure, decoder);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private boolean isOnTime(long at, Record<byte[], byte[]> record) {
        if (record.headers().lastHeader("kappa-import") != null) return true;
        var header = text(record.headers(), "kappa-accepted");
        var accepted = header == null ? record.timestamp() : Long.parseLong(header);
        return at >= accepted - settings.latenessMs() && at <= accepted + settings.earlinessMs();
    }

    private static String text(Headers headers, String name) {
        var header = headers.lastHeader(name);
        return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
    }
}
