package examples;

import java.util.List;
import java.util.Locale;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;

/**
 * Counts words: a line typed comes out as each of its words, with how often it was seen so far.
 *
 * <pre>
 *   word-count-lines ──► words ──► by word (a topic of its own: each word has one place)
 *                                     │
 *                                     └──► count (a store, and its changelog) ──► word-count-counts
 * </pre>
 *
 * A word's count is right whatever dies meanwhile: reading lines, counting and writing counts are
 * one transaction.
 */
public final class WordCount {
    static final String LINES = "word-count-lines";
    static final String COUNTS = "word-count-counts";

    private WordCount() {}

    static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(LINES)
                .flatMapValues(line -> List.of(line.toLowerCase(Locale.ROOT).split("\\W+")))
                .filter((key, word) -> !word.isEmpty())
                .groupBy((key, word) -> word)
                .count()
                .toStream()
                .mapValues(count -> count.toString())
                .to(COUNTS);
        return builder.build();
    }

    public static void main(String[] arguments) throws Exception {
        Example.run(
                "word-count", topology(), List.of(LINES), COUNTS, line -> new ProducerRecord<>(LINES, line));
    }
}
