import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The fold of capital calls as a Kafka Streams application: each payment once, paid per call, total per fund.
 *
 * <p>Arguments: bootstrap servers, folder for state, the book (calls.csv), threads, commit interval in ms, and a file to
 * read, such as a pipe. Each line in it is one pass, which runs until the next line comes: application id, topic of
 * payments, topic of call totals, topic between the two steps, topic of fund totals. It says "ready" and the application
 * id when a pass holds its partitions. The end of the file ends it.
 */
public final class KafkaStreamsPeer {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private KafkaStreamsPeer() {}

    /** What the book knows of a call. */
    record Call(long fundId, long amountMinor) {}

    /** A bank's entry, as far as it matters here. */
    record Entry(String source, String paymentId, boolean reversal, String reverses, long amountMinor, long callId) {
        Bytes key() {
            return identity(source, paymentId);
        }

        Bytes originalsKey() {
            return identity(source, reverses);
        }

        private static Bytes identity(String source, String id) {
            return Bytes.wrap((source + '\0' + id).getBytes(StandardCharsets.UTF_8));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<Long, Call> book = readBook(Path.of(arguments[2]));
        KafkaStreams running = null;
        try (BufferedReader lines = Files.newBufferedReader(Path.of(arguments[5]))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                stop(running);
                running = start(line.split(" "), arguments, book);
            }
        }
        stop(running);
    }

    private static KafkaStreams start(String[] names, String[] arguments, Map<Long, Call> book) {
        long commitMs = Long.parseLong(arguments[4]);
        Topology topology = topology(book, Duration.ofMillis(commitMs), names[1], names[2], names[3], names[4]);
        KafkaStreams streams = new KafkaStreams(topology, settings(names[0], arguments));
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
                System.out.println("ready " + names[0]);
            } else if (now == KafkaStreams.State.ERROR) {
                Runtime.getRuntime().halt(1);
            }
        });
        streams.start();
        return streams;
    }

    private static void stop(KafkaStreams streams) {
        if (streams != null) {
            streams.close(PATIENCE);
            streams.cleanUp();
        }
    }

    private static Properties settings(String application, String[] arguments) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[1]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, arguments[3]);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, arguments[4]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L * 1024 * 1024);
        settings.put("consumer.auto.offset.reset", "earliest");
        settings.put("consumer.max.poll.records", 10_000);
        settings.put("consumer.max.partition.fetch.bytes", 4 * 1024 * 1024);
        settings.put("consumer.fetch.max.wait.ms", 50);
        settings.put("producer.linger.ms", 20);
        settings.put("producer.batch.size", 256 * 1024);
        settings.put("producer.buffer.memory", 64L * 1024 * 1024);
        settings.put("producer.compression.type", "lz4");
        return settings;
    }

    private static Topology topology(
            Map<Long, Call> book, Duration every, String payments, String calls, String partials, String funds) {
        Topology topology = new Topology();
        topology.addSource("payments", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), payments);
        topology.addProcessor("ledger", () -> new Ledger(book, every), "payments");
        // Identities are for ever, so they lie on disk; what is bounded by the book is kept in memory. All have changelogs.
        topology.addStateStore(
                Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore("entries"), Serdes.Bytes(), Serdes.ByteArray()),
                "ledger");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("paid"), Serdes.Long(), Serdes.Long())
                        .withCachingEnabled(),
                "ledger");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("partials"), Serdes.Long(), Serdes.Long())
                        .withCachingEnabled(),
                "ledger");
        topology.addSink(
                "calls", calls, Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(), "ledger");
        topology.addSink("to-funds", partials, Serdes.Long().serializer(), Serdes.ByteArray().serializer(), "ledger");
        topology.addSource("partials", Serdes.Long().deserializer(), Serdes.ByteArray().deserializer(), partials);
        topology.addProcessor("roll-up", () -> new RollUp(every), "partials");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("shares"), Serdes.Bytes(), Serdes.Long())
                        .withCachingEnabled(),
                "roll-up");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("funds"), Serdes.Long(), Serdes.Long())
                        .withCachingEnabled(),
                "roll-up");
        topology.addSink(
                "fund-totals", funds, Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(), "roll-up");
        return topology;
    }

    private static Map<Long, Call> readBook(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        List<String> columns = Arrays.asList(lines.get(0).split(","));
        int id = columns.indexOf("call_id");
        int fund = columns.indexOf("fund_id");
        int amount = columns.indexOf("amount_minor");
        Map<Long, Call> book = new HashMap<>(lines.size() * 2);
        for (String line : lines.subList(1, lines.size())) {
            String[] row = line.split(",");
            book.put(Long.parseLong(row[id]), new Call(Long.parseLong(row[fund]), Long.parseLong(row[amount])));
        }
        return book;
    }

    private static byte[] told(String name, long id, long minor) {
        return ("{\"" + name + "\":" + id + ",\"paid_minor\":" + minor + "}").getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] keyOf(long id) {
        return Long.toString(id).getBytes(StandardCharsets.US_ASCII);
    }

    private static long orZero(Long minor) {
        return minor == null ? 0 : minor;
    }

    private static Set<Long> keysOf(KeyValueStore<Long, Long> store) {
        Set<Long> keys = new HashSet<>();
        try (KeyValueIterator<Long, Long> all = store.all()) {
            all.forEachRemaining(entry -> keys.add(entry.key));
        }
        return keys;
    }

    /** Takes each entry once, in the order of its partition. Tells what changed once per commit, not per payment. */
    static final class Ledger implements Processor<byte[], byte[], Object, byte[]> {
        private static final byte APPLIED = 1;
        private static final byte HELD = 2;
        private static final byte REVERSAL = 3;
        private static final byte UNDONE = 4;
        private static final byte AWAITED = 5; // its reversal came first

        private final Map<Long, Call> book;
        private final Duration every;
        private final EntryReader reader = new EntryReader();
        private ProcessorContext<Object, byte[]> context;
        private KeyValueStore<Bytes, byte[]> entries;
        private KeyValueStore<Long, Long> paid;
        private KeyValueStore<Long, Long> partials;
        private Set<Long> changedCalls;
        private Set<Long> changedFunds;

        Ledger(Map<Long, Call> book, Duration every) {
            this.book = book;
            this.every = every;
        }

        @Override
        public void init(ProcessorContext<Object, byte[]> given) {
            context = given;
            entries = given.getStateStore("entries");
            paid = given.getStateStore("paid");
            partials = given.getStateStore("partials");
            // What was changed and not told when it stopped is not known any more: all of it is told again.
            changedCalls = keysOf(paid);
            changedFunds = keysOf(partials);
            given.schedule(every, PunctuationType.WALL_CLOCK_TIME, this::tell);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            Entry entry = reader.read(record.value());
            Call call = entry == null ? null : book.get(entry.callId());
            if (call == null) {
                return;
            }
            if (entry.reversal()) {
                reverse(entry, call);
            } else {
                credit(entry, call);
            }
        }

        private void credit(Entry entry, Call call) {
            Bytes key = entry.key();
            byte[] known = entries.get(key);
            if (known != null && known[0] != AWAITED) {
                return;
            }
            if (entry.amountMinor() > call.amountMinor() - orZero(paid.get(entry.callId()))) {
                entries.put(key, state(HELD, entry.amountMinor()));
            } else if (known != null && amountOf(known) == entry.amountMinor()) {
                entries.put(key, state(UNDONE, entry.amountMinor()));
            } else {
                entries.put(key, state(APPLIED, entry.amountMinor()));
                add(entry.callId(), call, entry.amountMinor());
            }
        }

        private void reverse(Entry entry, Call call) {
            Bytes key = entry.key();
            if (entry.reverses() == null || entries.get(key) != null) {
                return;
            }
            entries.put(key, state(REVERSAL, entry.amountMinor()));
            Bytes original = entry.originalsKey();
            byte[] known = entries.get(original);
            if (known == null) {
                entries.put(original, state(AWAITED, entry.amountMinor()));
            } else if (known[0] == APPLIED && amountOf(known) == entry.amountMinor()) {
                entries.put(original, state(UNDONE, entry.amountMinor()));
                add(entry.callId(), call, -entry.amountMinor());
            }
        }

        private void add(long callId, Call call, long minor) {
            paid.put(callId, orZero(paid.get(callId)) + minor);
            partials.put(call.fundId(), orZero(partials.get(call.fundId())) + minor);
            changedCalls.add(callId);
            changedFunds.add(call.fundId());
        }

        private void tell(long now) {
            for (Long call : changedCalls) {
                context.forward(new Record<>(keyOf(call), told("call_id", call, paid.get(call)), now), "calls");
            }
            int part = context.taskId().partition();
            for (Long fund : changedFunds) {
                byte[] share = ByteBuffer.allocate(12).putInt(part).putLong(partials.get(fund)).array();
                context.forward(new Record<>(fund, share, now), "to-funds");
            }
            changedCalls.clear();
            changedFunds.clear();
        }

        private static byte[] state(byte kind, long minor) {
            return ByteBuffer.allocate(9).put(kind).putLong(minor).array();
        }

        private static long amountOf(byte[] state) {
            return ByteBuffer.wrap(state).getLong(1);
        }
    }

    /** Sums what each partition of the payments has for a fund. */
    static final class RollUp implements Processor<Long, byte[], byte[], byte[]> {
        private final Duration every;
        private ProcessorContext<byte[], byte[]> context;
        private KeyValueStore<Bytes, Long> shares;
        private KeyValueStore<Long, Long> funds;
        private Set<Long> changed;

        RollUp(Duration every) {
            this.every = every;
        }

        @Override
        public void init(ProcessorContext<byte[], byte[]> given) {
            context = given;
            shares = given.getStateStore("shares");
            funds = given.getStateStore("funds");
            changed = keysOf(funds);
            given.schedule(every, PunctuationType.WALL_CLOCK_TIME, this::tell);
        }

        @Override
        public void process(Record<Long, byte[]> record) {
            ByteBuffer told = ByteBuffer.wrap(record.value());
            Bytes key = Bytes.wrap(ByteBuffer.allocate(12).putLong(record.key()).putInt(told.getInt()).array());
            long share = told.getLong();
            long change = share - orZero(shares.get(key));
            if (change != 0) {
                shares.put(key, share);
                funds.put(record.key(), orZero(funds.get(record.key())) + change);
                changed.add(record.key());
            }
        }

        private void tell(long now) {
            for (Long fund : changed) {
                context.forward(new Record<>(keyOf(fund), told("fund_id", fund, funds.get(fund)), now));
            }
            changed.clear();
        }
    }

    /** Reads entries from JSON, token by token; what nobody can book is null. */
    static final class EntryReader {
        private final JsonFactory json = new JsonFactory();

        Entry read(byte[] value) {
            if (value == null) {
                return null;
            }
            try (JsonParser parser = json.createParser(value)) {
                return parser.nextToken() == JsonToken.START_OBJECT ? members(parser) : null;
            } catch (IOException | NumberFormatException unreadable) {
                return null;
            }
        }

        private static Entry members(JsonParser parser) throws IOException {
            String source = null;
            String paymentId = null;
            String kind = null;
            String reverses = null;
            String amount = null;
            String currency = null;
            String valueDate = null;
            long callId = 0;
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                switch (name) {
                    case "source" -> source = text(parser);
                    case "payment_id" -> paymentId = text(parser);
                    case "kind" -> kind = text(parser);
                    case "reverses" -> reverses = text(parser);
                    case "amount" -> amount = text(parser);
                    case "currency" -> currency = text(parser);
                    case "value_date" -> valueDate = text(parser);
                    case "call_id" -> callId = parser.getValueAsLong();
                    default -> parser.skipChildren();
                }
            }
            long minor = minor(amount);
            boolean whole = parser.currentToken() == JsonToken.END_OBJECT && parser.nextToken() == null;
            boolean known = source != null && paymentId != null && currency != null && valueDate != null && callId != 0;
            boolean reversal = "reversal".equals(kind);
            if (!whole || !known || minor <= 0 || !(reversal || "credit".equals(kind))) {
                return null;
            }
            return new Entry(source, paymentId, reversal, reverses, minor, callId);
        }

        private static String text(JsonParser parser) throws IOException {
            return parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : null;
        }

        /** Cents of a plain decimal with two places, 0 for everything else. */
        private static long minor(String amount) {
            if (amount == null || amount.length() < 4 || amount.length() > 18) {
                return 0;
            }
            int point = amount.length() - 3;
            long minor = 0;
            for (int i = 0; i < amount.length(); i++) {
                char digit = amount.charAt(i);
                if (i == point ? digit != '.' : digit < '0' || digit > '9') {
                    return 0;
                }
                minor = i == point ? minor : minor * 10 + (digit - '0');
            }
            return minor;
        }
    }
}
