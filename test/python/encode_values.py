"""
Encodes and decodes events with fastavro alone.

In: [{schema, events: [{json, body}]}], where json is an event as it is read back and body its Avro
as base64; out: what fastavro says otherwise, and how many bodies it wrote alike to the byte.
"""

import base64
import datetime
import decimal
import io
import json
import sys
import uuid

import fastavro


def native(schema, value, named):
    """The value as fastavro wants it, made of its JSON by the schema."""
    if isinstance(schema, str) and schema in named:
        schema = named[schema]
    if isinstance(schema, list):
        return in_union(schema, value, named)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(schema, dict):
        if "name" in schema:
            full = schema["name"]
            space = schema.get("namespace")
            named[f"{space}.{full}" if space else full] = schema
        if "logicalType" in schema:
            return of_logical(schema["logicalType"], value)
    if kind == "record":
        return {
            field["name"]: native(field["type"], value[field["name"]], named)
            for field in schema["fields"]
        }
    if kind == "array":
        return [native(schema["items"], item, named) for item in value]
    if kind == "map":
        return {key: native(schema["values"], item, named) for key, item in value.items()}
    if kind in ("bytes", "fixed"):
        return base64.b64decode(value, validate=True)
    if kind in ("float", "double"):
        return float(value)
    if kind == "long":
        return int(value)
    return value


def in_union(schema, value, named):
    if value is None:
        return None
    declared = [branch for branch in schema if branch != "null"]
    for branch in declared:
        declare(branch, named)
    if len(declared) == 1:
        return native(declared[0], value, named)
    wanted = {bool: "boolean", int: "long", str: "string", list: "array", dict: "record"}
    kind = wanted[type(value)]
    for branch in declared:
        if branch == kind or (isinstance(branch, dict) and branch["type"] == kind):
            return native(branch, value, named)
    raise ValueError(f"no branch of {schema} for {value!r}")


def declare(schema, named):
    """Names inside a branch that has no value here may be used further on."""
    if isinstance(schema, list):
        for branch in schema:
            declare(branch, named)
    elif isinstance(schema, dict):
        if "name" in schema:
            space = schema.get("namespace")
            named[f"{space}.{schema['name']}" if space else schema["name"]] = schema
        for field in schema.get("fields", []):
            declare(field["type"], named)
        declare(schema.get("items"), named)
        declare(schema.get("values"), named)


def of_logical(logical, value):
    if logical == "decimal":
        return decimal.Decimal(value)
    if logical == "uuid":
        return uuid.UUID(value)
    if logical == "date":
        return datetime.date.fromisoformat(value)
    if logical.startswith("time-"):
        return datetime.time.fromisoformat(value)
    return datetime.datetime.fromisoformat(value)


def has_long_decimal(schema):
    """fastavro writes some decimals on bytes with a byte more than the shortest form has."""
    if isinstance(schema, list):
        return any(has_long_decimal(branch) for branch in schema)
    if not isinstance(schema, dict):
        return False
    if schema["type"] == "bytes" and schema.get("logicalType") == "decimal":
        return True
    parts = [field["type"] for field in schema.get("fields", [])]
    parts += [schema[key] for key in ("items", "values") if key in schema]
    if isinstance(schema["type"], (dict, list)):
        parts.append(schema["type"])
    return any(has_long_decimal(part) for part in parts)


decimal.getcontext().prec = 60
differences = []
identical = 0
for case in json.load(sys.stdin):
    schema = fastavro.parse_schema(case["schema"])
    for event in case["events"]:
        body = base64.b64decode(event["body"])
        wanted = native(case["schema"], event["json"], {})
        stream = io.BytesIO(body)
        decoded = fastavro.schemaless_reader(stream, schema)
        written = io.BytesIO()
        fastavro.schemaless_writer(written, schema, wanted)
        if decoded != wanted:
            differences.append(f"{event['json']} is read as {decoded} by {case['schema']}")
        elif stream.read() != b"":
            differences.append(f"{event['json']} has bytes behind it")
        elif written.getvalue() == body:
            identical += 1
        elif not has_long_decimal(case["schema"]):
            hexes = f"{body.hex()}, by fastavro {written.getvalue().hex()}"
            differences.append(f"{event['json']} is written as {hexes} by {case['schema']}")
json.dump({"differences": differences[:20], "identical": identical}, sys.stdout)
