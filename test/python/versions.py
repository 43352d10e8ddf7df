"""Says which packages the tests run with, on standard output as JSON."""

import json
from importlib.metadata import version

import confluent_kafka.schema_registry.avro  # noqa: F401
import fastavro  # noqa: F401
import kubernetes_validate  # noqa: F401

names = ["confluent-kafka", "fastavro", "kubernetes-validate", "schemathesis"]
print(json.dumps({name: version(name) for name in names}))
