"""Validates Kubernetes objects against the schemas of versions of Kubernetes, without a cluster.

Standard input: JSON {"versions": ["1.37"], "objects": [{...}]}. Standard output: JSON
{"problems": ["..."], "unknown": ["kind"]}; unknown are kinds that no schema is for.
"""

import functools
import json
import sys

import kubernetes_validate
from kubernetes_validate import utils

# Each call would read and parse the same large files anew.
utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)

given = json.load(sys.stdin)
problems = []
unknown = set()
for version in given["versions"]:
    for item in given["objects"]:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(str(part) for part in error.path)
            name = f"{item['kind']} {item['metadata']['name']}"
            problems.append(f"{version}: {name}: {path}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError:
            unknown.add(item["kind"])
print(json.dumps({"problems": problems, "unknown": sorted(unknown)}))
