import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Consume, transform, produce with the Java client: what loop.py is for librdkafka, and its arguments. */
public final class TransactionalLoop {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;
    private final String target;

    private TransactionalLoop(String bootstrap, String target, String group, String name) {
        this.target = target;
        Map<String, Object> reading = new HashMap<>();
        reading.put("bootstrap.servers", bootstrap);
        reading.put("group.id", group);
        reading.put("enable.auto.commit", false);
        reading.put("auto.offset.reset", "earliest");
        reading.put("isolation.level", "read_committed");
        reading.put("session.timeout.ms", 6000);
        reading.put("heartbeat.interval.ms", 1000);
        reading.put("max.poll.records", 50);
        reading.put("reconnect.backoff.max.ms", 200);
        consumer = new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        Map<String, Object> writing = new HashMap<>();
        writing.put("bootstrap.servers", bootstrap);
        writing.put("transactional.id", name);
        writing.put("transaction.timeout.ms", 10_000);
        writing.put("reconnect.backoff.max.ms", 200);
        producer = new KafkaProducer<>(writing, new ByteArraySerializer(), new ByteArraySerializer());
    }

    public static void main(String[] arguments) {
        AtomicBoolean stopping = new AtomicBoolean();
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping.set(true);
            try {
                main.join();
            } catch (InterruptedException error) {
                main.interrupt();
            }
        }));
        TransactionalLoop loop =
                new TransactionalLoop(arguments[0], arguments[2], arguments[3], arguments[4]);
        try {
            loop.run(arguments[1], arguments[4], Integer.parseInt(arguments[5]), stopping);
        } catch (KafkaException error) {
            System.out.println("fatal: " + error);
            Runtime.getRuntime().halt(1); // the hook would wait for us
        }
    }

    private void run(String source, String name, int aborts, AtomicBoolean stopping) {
        Random chance = new Random(name.hashCode());
        until(producer::initTransactions);
        consumer.subscribe(List.of(source));
        while (!stopping.get()) {
            ConsumerRecords<byte[], byte[]> batch = consumer.poll(Duration.ofMillis(200));
            if (batch.isEmpty()) {
                continue;
            }
            producer.beginTransaction();
            try {
                passOn(batch, chance.nextInt(100) < aborts);
            } catch (ProducerFencedException | OutOfOrderSequenceException | AuthorizationException
                    | UnsupportedVersionException | FencedInstanceIdException error) {
                throw error;
            } catch (KafkaException error) {
                System.out.println("aborted: " + error);
                until(producer::abortTransaction);
                rewind();
            }
        }
        consumer.close();
        producer.close();
    }

    /** One transaction, committed; with `giveUp` it ends where it would have been. */
    private void passOn(ConsumerRecords<byte[], byte[]> batch, boolean giveUp) {
        Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
        for (ConsumerRecord<byte[], byte[]> each : batch) {
            producer.send(new ProducerRecord<>(target, each.key(), each.value()));
            read.put(new TopicPartition(each.topic(), each.partition()), new OffsetAndMetadata(each.offset() + 1));
        }
        if (giveUp) {
            producer.flush();
            throw new KafkaException("by chance");
        }
        producer.sendOffsetsToTransaction(read, consumer.groupMetadata());
        until(producer::commitTransaction);
        System.out.println("committed " + batch.count());
    }

    /** Asks again whenever the answer took too long, as the client's documentation wants it. */
    private static void until(Runnable call) {
        while (true) {
            try {
                call.run();
                return;
            } catch (TimeoutException error) {
                System.out.println("again: " + error);
            }
        }
    }

    private void rewind() {
        until(() -> {
            Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
            committed.forEach((partition, position) -> {
                if (position == null) {
                    consumer.seekToBeginning(List.of(partition));
                } else {
                    consumer.seek(partition, position.offset());
                }
            });
        });
    }
}
