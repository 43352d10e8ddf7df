"""
The configuration of a topic, by librdkafka.

In: {brokers, topic, delete_all?}; out: {name: value}. With `delete_all` its records are deleted first,
as retention would do.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

WAIT_SECONDS_MAX = 20

asked = json.load(sys.stdin)
topic = asked["topic"]
settings = {"bootstrap.servers": asked["brokers"], "log_level": 0}
admin = AdminClient(settings)
if asked.get("delete_all"):
    consumer = Consumer({**settings, "group.id": "topic-config"})
    partitions = consumer.list_topics(topic, WAIT_SECONDS_MAX).topics[topic].partitions
    ends = []
    for partition in partitions:
        place = TopicPartition(topic, partition)
        place.offset = consumer.get_watermark_offsets(place, timeout=WAIT_SECONDS_MAX)[1]
        ends.append(place)
    consumer.close()
    for deleted in admin.delete_records(ends).values():
        deleted.result(WAIT_SECONDS_MAX)
resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
[config] = admin.describe_configs([resource]).values()
values = {name: entry.value for name, entry in config.result(WAIT_SECONDS_MAX).items()}
json.dump(values, sys.stdout)
