"""Means of what thermometers say, over ten seconds each: a Quix Streams pipeline, exactly once.

    thermometers-readings --by sensor, 10 s windows--> mean --when the window is over--> ..-means

A window is over when a later reading of the same sensor comes; time is that of the readings. The
environment may say where: BOOTSTRAP (the brokers) and STATE_DIR (where RocksDB keeps open windows;
their truth is in a changelog topic).

What is typed, `[+SECONDS] SENSOR DEGREES`, is a reading; the seconds are counted from the program's
start. What comes out is printed. Ctrl-C ends it.
"""

import os
import sys
import threading
import time
from datetime import timedelta

import confluent_kafka
from quixstreams import Application
from quixstreams.models import TopicConfig

BOOTSTRAP = os.environ.get("BOOTSTRAP", "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094")
READINGS = "thermometers-readings"
MEANS = "thermometers-means"
WINDOW = timedelta(seconds=10)
# As many replicas as the brokers give a topic by themselves.
TOPIC = TopicConfig(num_partitions=3, replication_factor=-1)

app = Application(
    broker_address=BOOTSTRAP,
    consumer_group="thermometers",
    # What is read, what is written and the state in between: all of it once, or none of it.
    processing_guarantee="exactly-once",
    auto_offset_reset="earliest",
    commit_interval=0.2,
    state_dir=os.environ.get("STATE_DIR", "state"),
    loglevel="ERROR",
    topic_create_timeout=60,
    # Somebody who was killed is missed after 6 s, instead of 45 s.
    consumer_extra_config={"session.timeout.ms": 6000},
)
readings = app.topic(READINGS, value_deserializer="string", config=TOPIC)
means = app.topic(MEANS, value_serializer="string", config=TOPIC)

pipeline = app.dataframe(readings).apply(float)
pipeline = pipeline.tumbling_window(WINDOW).mean().final()
pipeline = pipeline.apply(lambda window: f"{window['value']:.1f}")
pipeline = pipeline.to_topic(means)


def feed() -> None:
    """Send what comes on standard input, line by line, to its end."""
    producer = confluent_kafka.Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 0})
    window_ms = int(WINDOW.total_seconds() * 1000)
    # Where the next window begins: the sample's readings are to lie in the same windows each time.
    start_ms = (int(time.time() * 1000) // window_ms + 1) * window_ms
    for line in sys.stdin:
        *offset, sensor, degrees = line.split()
        at_ms = start_ms + 1000 * int(offset[0]) if offset else int(time.time() * 1000)
        producer.produce(READINGS, degrees, sensor, timestamp=at_ms)
        producer.flush()


def show(consumer: confluent_kafka.Consumer) -> None:
    """Print what is committed, and new."""
    while True:
        for message in consumer.consume(100, timeout=1.0):
            if message.error() is None:
                print(message.key().decode(), message.value().decode(), sep="\t", flush=True)


def reader_at_the_end(topic: str) -> confluent_kafka.Consumer:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": "none",  # never used: nothing is committed
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    partitions = consumer.list_topics(topic, 30).topics[topic].partitions
    ends = [
        (number, consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, number), 30))
        for number in partitions
    ]
    consumer.assign(
        [confluent_kafka.TopicPartition(topic, number, end) for number, (_, end) in ends]
    )
    return consumer


if __name__ == "__main__":
    # Quix has made the topics by now. Threads that wait don't keep the program from ending.
    threading.Thread(target=show, args=(reader_at_the_end(MEANS),), daemon=True).start()
    threading.Thread(target=feed, daemon=True).start()
    app.run()
