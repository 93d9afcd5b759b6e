package examples;

import java.time.Duration;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;

/**
 * Joins orders with their payments, if these come within ten seconds.
 *
 * <pre>
 *   windowed-join-orders   (order number: what)  ──┐
 *                                                  ├─ at most 10 s apart ──► windowed-join-paid
 *   windowed-join-payments (order number: how)  ───┘
 * </pre>
 *
 * Time is that of the records, not of their processing: what comes late, because somebody was down,
 * is joined all the same. Both topics have as many partitions, so an order and its payment meet in
 * one task.
 */
public final class WindowedJoin {
    static final String ORDERS = "windowed-join-orders";
    static final String PAYMENTS = "windowed-join-payments";
    static final String PAID = "windowed-join-paid";

    private static final JoinWindows WITHIN_TEN_SECONDS =
            JoinWindows.ofTimeDifferenceAndGrace(Duration.ofSeconds(10), Duration.ofHours(1));

    private WindowedJoin() {}

    static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> payments = builder.stream(PAYMENTS);
        builder.<String, String>stream(ORDERS)
                .join(payments, (what, how) -> what + ", paid " + how, WITHIN_TEN_SECONDS)
                .to(PAID);
        return builder.build();
    }

    /** `[+SECONDS] order|payment NUMBER WORDS..`; the seconds are counted from the program's start. */
    private static ProducerRecord<String, String> parse(long startMs, String line) {
        boolean isTimed = line.startsWith("+");
        String[] words = line.strip().split("\\s+", isTimed ? 4 : 3);
        int first = isTimed ? 1 : 0;
        if (words.length != first + 3 || !List.of("order", "payment").contains(words[first])) {
            throw new IllegalArgumentException("[+SECONDS] order|payment NUMBER WORDS.., not: " + line);
        }
        long timestampMs =
                isTimed ? startMs + 1000 * Long.parseLong(words[0].substring(1)) : System.currentTimeMillis();
        String topic = words[first].equals("order") ? ORDERS : PAYMENTS;
        return new ProducerRecord<>(topic, null, timestampMs, words[first + 1], words[first + 2]);
    }

    public static void main(String[] arguments) throws Exception {
        long startMs = System.currentTimeMillis();
        Example.run(
                "windowed-join", topology(), List.of(ORDERS, PAYMENTS), PAID, line -> parse(startMs, line));
    }
}
