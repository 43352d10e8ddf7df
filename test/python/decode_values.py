"""
Decodes values in the wire format with fastavro alone, schemas read by id over HTTP.

In: {registry, values: [base64]}; out: the values.
"""

import base64
import io
import json
import struct
import sys
import urllib.request

import fastavro
from plain import plain

asked = json.load(sys.stdin)
schemas = {}


def schema_of(schema_id):
    if schema_id not in schemas:
        with urllib.request.urlopen(f"{asked['registry']}/schemas/ids/{schema_id}") as answer:
            text = json.load(answer)["schema"]
        schemas[schema_id] = fastavro.parse_schema(json.loads(text))
    return schemas[schema_id]


values = []
for encoded in asked["values"]:
    message = base64.b64decode(encoded)
    magic, schema_id = struct.unpack(">bI", message[:5])
    body = io.BytesIO(message[5:])
    assert magic == 0, magic
    values.append(plain(fastavro.schemaless_reader(body, schema_of(schema_id))))
    assert body.read() == b"", "bytes behind the value"
json.dump(values, sys.stdout)
