"""
Every record of a topic, by librdkafka, without decoding anything.

In: {brokers, topic}; out: [[partition, offset, event id]] in order of partitions and offsets; the id is
the header kappa-id, or null.
"""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

WAIT_SECONDS_MAX = 30
BATCH_RECORDS_MAX = 10_000
# The client gives what it has when the time is over, and waits for a whole batch until then.
BATCH_SECONDS = 0.2

asked = json.load(sys.stdin)
topic = asked["topic"]
consumer = Consumer(
    {
        "bootstrap.servers": asked["brokers"],
        "group.id": "read-log",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "log_level": 0,
    }
)


def watermarks(partition):
    """Asked again while the client still takes an earlier leader for the present one."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            return consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=WAIT_SECONDS_MAX
            )
        except KafkaException as failure:
            moved = failure.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION
            if not moved or time.monotonic() > deadline:
                raise
            consumer.list_topics(topic, timeout=WAIT_SECONDS_MAX)


found = consumer.list_topics(topic, timeout=WAIT_SECONDS_MAX).topics[topic]
records = []
for partition in sorted(found.partitions):
    begin, end = watermarks(partition)
    consumer.assign([TopicPartition(topic, partition, begin)])
    position = begin
    moved = time.monotonic()
    while position < end:
        batch = consumer.consume(BATCH_RECORDS_MAX, timeout=BATCH_SECONDS)
        if batch:
            moved = time.monotonic()
        elif time.monotonic() > moved + WAIT_SECONDS_MAX:
            sys.exit(f"partition {partition} stands at {position} of {end}")
        for record in batch:
            if record.error():
                raise KafkaException(record.error())
            headers = dict(record.headers() or [])
            event_id = headers.get("kappa-id")
            if record.offset() < end:
                records.append(
                    [partition, record.offset(), None if event_id is None else event_id.decode()]
                )
            position = record.offset() + 1
consumer.close()
json.dump(records, sys.stdout)
