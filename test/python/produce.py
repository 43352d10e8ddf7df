"""
Produces events with Confluent's producer and AvroSerializer, partitioned as Java does.

In: {brokers, registry, topic, key_field, events, schema?, serializer?}; out: [{partition, offset}]
in the order of the events.
"""

import json
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

WAIT_SECONDS_MAX = 30

asked = json.load(sys.stdin)
topic = asked["topic"]
settings = {"auto.register.schemas": False, "use.latest.version": True}
serialize = AvroSerializer(
    SchemaRegistryClient({"url": asked["registry"]}),
    asked.get("schema"),
    conf=asked.get("serializer", settings),
)
producer = Producer(
    {
        "bootstrap.servers": asked["brokers"],
        "partitioner": "murmur2_random",
        "acks": "all",
        "enable.idempotence": True,
    }
)
delivered = [None] * len(asked["events"])


def report(index):
    def delivery(error, message):
        if error:
            sys.exit(str(error))
        delivered[index] = {"partition": message.partition(), "offset": message.offset()}

    return delivery


for index, event in enumerate(asked["events"]):
    key = event[asked["key_field"]]
    producer.produce(
        topic,
        key=None if key is None else key.encode(),
        value=serialize(event, SerializationContext(topic, MessageField.VALUE)),
        on_delivery=report(index),
    )
if producer.flush(WAIT_SECONDS_MAX) > 0:
    sys.exit(f"not delivered within {WAIT_SECONDS_MAX} s")
json.dump(delivered, sys.stdout)
