package examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * What the examples have in common: their topics, the configuration, and a terminal on both ends.
 *
 * <pre>
 *   a line typed --feed--> input topics --topology--> output topic --show--> a line printed
 * </pre>
 *
 * The environment may say where: BOOTSTRAP (the brokers) and STATE_DIR (where RocksDB keeps the
 * state; its truth is in the changelog topics, so it may be deleted when nothing runs).
 */
final class Example {
    private static final int PARTITIONS = 3;
    private static final String BOOTSTRAP =
            System.getenv().getOrDefault("BOOTSTRAP", "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094");

    private Example() {}

    /** Runs the topology until the process is told to end (Ctrl-C). */
    static void run(
            String name,
            Topology topology,
            List<String> inputs,
            String output,
            Function<String, ProducerRecord<String, String>> parse)
            throws Exception {
        createTopics(Stream.concat(inputs.stream(), Stream.of(output)).toList());
        try (KafkaConsumer<String, String> results = readerAtTheEnd(output)) {
            KafkaStreams streams = new KafkaStreams(topology, configuration(name));
            // A thread that fell over something (its transaction was fenced, a broker was away for
            // too long) is replaced: its work was not committed, so the next one does it again.
            streams.setUncaughtExceptionHandler(error -> StreamThreadExceptionResponse.REPLACE_THREAD);
            Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
            streams.start();

            Thread feeding = new Thread(() -> feed(parse), "feeding");
            feeding.setDaemon(true);
            feeding.start();
            while (true) {
                for (ConsumerRecord<String, String> each : results.poll(Duration.ofSeconds(1))) {
                    System.out.println(each.key() + "\t" + each.value());
                }
            }
        }
    }

    private static Properties configuration(String applicationId) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, applicationId);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, BOOTSTRAP);
        // What is read, what is written and the state in between: all of it once, or none of it.
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        // Somebody who was killed is missed after 6 s, instead of 45 s.
        properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 6000);
        properties.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 1000);
        Optional.ofNullable(System.getenv("STATE_DIR"))
                .ifPresent(directory -> properties.put(StreamsConfig.STATE_DIR_CONFIG, directory));
        return properties;
    }

    private static void createTopics(List<String> names) throws InterruptedException, ExecutionException {
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", BOOTSTRAP))) {
            for (String name : names) {
                // As many replicas as the brokers give a topic by themselves.
                NewTopic topic = new NewTopic(name, Optional.of(PARTITIONS), Optional.empty());
                try {
                    admin.createTopics(List.of(topic)).all().get();
                } catch (ExecutionException error) {
                    if (!(error.getCause() instanceof TopicExistsException)) {
                        throw error;
                    }
                }
            }
        }
    }

    /** A reader of what is committed, and new. */
    private static KafkaConsumer<String, String> readerAtTheEnd(String topic) {
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", BOOTSTRAP, "isolation.level", "read_committed"),
                new StringDeserializer(),
                new StringDeserializer());
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(each -> new TopicPartition(topic, each.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        partitions.forEach(consumer::position); // seeking is lazy: now, before anything is written
        return consumer;
    }

    /** Sends what comes on standard input, line by line, to its end. */
    private static void feed(Function<String, ProducerRecord<String, String>> parse) {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", BOOTSTRAP), new StringSerializer(), new StringSerializer())) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                try {
                    producer.send(parse.apply(line));
                } catch (IllegalArgumentException error) {
                    System.err.println(error.getMessage());
                }
            }
        } catch (IOException error) {
            System.err.println("can't read standard input: " + error.getMessage());
        }
    }
}
