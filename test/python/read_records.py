"""
Every record of a topic as it is, by librdkafka.

In: {brokers, topic}; out: [{partition, offset, key, headers, value}] in order of partitions and
offsets; keys and headers as text, values as base64.
"""

import base64
import json
import sys

from confluent_kafka import Consumer, KafkaException, TopicPartition

WAIT_SECONDS_MAX = 30
BATCH_RECORDS_MAX = 10_000

asked = json.load(sys.stdin)
topic = asked["topic"]
consumer = Consumer(
    {
        "bootstrap.servers": asked["brokers"],
        "group.id": "read-records",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "log_level": 0,
    }
)
found = consumer.list_topics(topic, timeout=WAIT_SECONDS_MAX).topics[topic]
records = []
for partition in sorted(found.partitions):
    begin, end = consumer.get_watermark_offsets(
        TopicPartition(topic, partition), timeout=WAIT_SECONDS_MAX
    )
    consumer.assign([TopicPartition(topic, partition, begin)])
    position = begin
    while position < end:
        # It waits for as many as it is asked for.
        wanted = min(BATCH_RECORDS_MAX, end - position)
        batch = consumer.consume(wanted, timeout=WAIT_SECONDS_MAX)
        if not batch:
            sys.exit(f"partition {partition} stands at {position} of {end}")
        for record in batch:
            if record.error():
                raise KafkaException(record.error())
            key, value = record.key(), record.value()
            records.append(
                {
                    "partition": partition,
                    "offset": record.offset(),
                    "key": None if key is None else key.decode(),
                    "headers": {name: text.decode() for name, text in record.headers() or []},
                    "value": None if value is None else base64.b64encode(value).decode(),
                }
            )
            position = record.offset() + 1
consumer.close()
json.dump(records, sys.stdout)
