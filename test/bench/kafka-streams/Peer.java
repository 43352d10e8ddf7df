import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Runs the program over the whole topic once for every line of its input, which names the output
 * topic, each time as an application of that name, and answers with a line: how many milliseconds
 * it took. Its JVM gets warm on the way.
 */
final class Peer {
    private static final Duration RUN_TIMEOUT = Duration.ofMinutes(20);
    private static final Duration CLOSE_TIMEOUT = Duration.ofMinutes(1);
    private static final long POLL_MS = 5;

    public static void main(String[] arguments) throws Exception {
        var settings = new ObjectMapper().readValue(arguments[0], Settings.class);
        var commands = new BufferedReader(new InputStreamReader(System.in));
        for (var output = commands.readLine(); output != null; output = commands.readLine()) {
            System.out.println(run(settings, output));
        }
    }

    private static double run(Settings settings, String output) throws Exception {
        try {
            return read(settings, output);
        } finally {
            // Its changelogs and what it sends itself; the output stays.
            try (var admin = Admin.create(Map.of("bootstrap.servers", settings.brokers()))) {
                var topics = admin.listTopics().names().get().stream()
                    .filter(topic -> topic.startsWith(output + "-"))
                    .toList();
                admin.deleteTopics(topics).all().get();
            }
        }
    }

    /** @return milliseconds from the first record to the commit of the last one */
    private static double read(Settings settings, String output) throws Exception {
        var program = new CarrierHours();
        var failure = new AtomicReference<Throwable>();
        var streams = new KafkaStreams(program.topology(settings, output), properties(settings, output));
        streams.setUncaughtExceptionHandler(error -> {
            failure.set(error);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        try (streams) {
            var deadline = System.nanoTime() + RUN_TIMEOUT.toNanos();
            streams.start();
            var begun = 0L;
            while (program.read.sum() < settings.events() || program.aggregated.sum() < program.kept.sum()) {
                if (begun == 0 && program.read.sum() > 0) begun = System.nanoTime();
                if (failure.get() != null) throw new IllegalStateException(failure.get());
                if (System.nanoTime() > deadline) throw new IllegalStateException("It did not end in time.");
                Thread.sleep(POLL_MS);
            }
            if (!streams.close(CLOSE_TIMEOUT)) throw new IllegalStateException("It did not close in time.");
            var ms = (System.nanoTime() - begun) / 1e6;
            streams.cleanUp();
            return ms;
        }
    }

    private static Properties properties(Settings settings, String application) {
        var properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, settings.brokers());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, settings.stateFolder());
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, settings.commitIntervalMs());
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 128 << 20);
        properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        properties.put(StreamsConfig.producerPrefix("batch.size"), 256 << 10);
        return properties;
    }
}
