"""
The state of a topic's partitions, by librdkafka.

In: {brokers, topic}; out: [{leader, inSync}] in order of the partitions.
"""

import json
import sys

from confluent_kafka.admin import AdminClient

WAIT_SECONDS_MAX = 10

asked = json.load(sys.stdin)
client = AdminClient({"bootstrap.servers": asked["brokers"], "log_level": 0})
found = client.list_topics(asked["topic"], timeout=WAIT_SECONDS_MAX).topics[asked["topic"]]
if found.error:
    sys.exit(str(found.error))
states = [
    {"leader": partition.leader, "inSync": list(partition.isrs)}
    for _, partition in sorted(found.partitions.items())
]
json.dump(states, sys.stdout)
