"""
Reads a topic to its end with Confluent's consumer and AvroDeserializer.

In: {brokers, registry, topic, count, reader_schema?}; out: [{key, partition, offset, headers, value}]
in order of partitions and offsets.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from plain import plain

WAIT_SECONDS_MAX = 30

asked = json.load(sys.stdin)
topic = asked["topic"]
registry = SchemaRegistryClient({"url": asked["registry"]})
deserialize = AvroDeserializer(registry, asked.get("reader_schema"))
consumer = Consumer(
    {
        "bootstrap.servers": asked["brokers"],
        "group.id": "python-reader",
        "enable.auto.commit": False,
    }
)
partitions = consumer.list_topics(topic, WAIT_SECONDS_MAX).topics[topic].partitions
consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
records = []
while len(records) < asked["count"]:
    messages = consumer.consume(asked["count"] - len(records), WAIT_SECONDS_MAX)
    if not messages:
        sys.exit(f"{len(records)} of {asked['count']} records came within {WAIT_SECONDS_MAX} s")
    for message in messages:
        if message.error():
            sys.exit(str(message.error()))
        value = deserialize(message.value(), SerializationContext(topic, MessageField.VALUE))
        records.append(
            {
                "key": None if message.key() is None else message.key().decode(),
                "partition": message.partition(),
                "offset": message.offset(),
                "headers": {name: text.decode() for name, text in message.headers() or []},
                "value": plain(value),
            }
        )
consumer.close()
records.sort(key=lambda record: (record["partition"], record["offset"]))
json.dump(records, sys.stdout)
