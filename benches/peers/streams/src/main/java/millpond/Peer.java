package millpond;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/**
 * Reads a topic from its start into a global store in memory, with Jackson: {@code run BROKER TOPIC KEY
 * FIELD}, where KEY and FIELD are JSON pointers. It prints a line when it has caught up with the end of
 * the topic, and then goes on reading.
 */
public final class Peer {
    private static final String STORE = "entries";

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 4) {
            System.err.println("four arguments are needed: BROKER TOPIC KEY FIELD");
            System.exit(2);
        }
        var streams = new KafkaStreams(builder(arguments).build(), settings(arguments[0]));
        // Streams is running as soon as the global store is as full as its topic was at the start.
        var isRunning = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
                isRunning.countDown();
            }
            if (now == KafkaStreams.State.ERROR) {
                System.exit(1);
            }
        });
        streams.start();
        isRunning.await();
        System.out.println("caught up with " + size(streams) + " entries");
        Thread.currentThread().join();
    }

    private static long size(KafkaStreams streams) {
        var type = QueryableStoreTypes.<String, String>keyValueStore();
        var store = streams.store(StoreQueryParameters.fromNameAndType(STORE, type));
        // Exact for a store in memory.
        return store.approximateNumEntries();
    }

    private static Properties settings(String broker) throws IOException {
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
        // Of its own, so that no earlier run shortens this one.
        settings.put(StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory("peer").toString());
        return settings;
    }

    private static StreamsBuilder builder(String[] arguments) {
        var store = Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(STORE), Serdes.String(), Serdes.String());
        var key = JsonPointer.compile(arguments[2]);
        var field = JsonPointer.compile(arguments[3]);
        var builder = new StreamsBuilder();
        builder.addGlobalStore(
                store.withLoggingDisabled(),
                arguments[1],
                Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()),
                () -> new Pluck(key, field));
        return builder;
    }

    /** Takes key and field out of each document. */
    private static final class Pluck implements Processor<byte[], byte[], Void, Void> {
        private final ObjectMapper mapper = new ObjectMapper();
        private final JsonPointer key;
        private final JsonPointer field;
        private KeyValueStore<String, String> entries;

        Pluck(JsonPointer key, JsonPointer field) {
            this.key = key;
            this.field = field;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            entries = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            JsonNode document;
            try {
                document = mapper.readTree(record.value());
            } catch (IOException bad) {
                return;
            }
            var found = document.at(key);
            if (found.isTextual()) {
                entries.put(found.textValue(), document.at(field).asText());
            }
        }
    }
}
