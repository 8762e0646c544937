"""Print the JSON Schema of the report: `python -m rlsaudit.report.schema > docs/report.schema.json`.

It is made from the dataclasses, so it cannot fall behind them. It forbids no key, since keys may be added, and requires
those that version 1 began with: a report that was valid once stays valid against every later schema of version 1. So a
field that is added to the model needs a default, which makes its key optional here.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import msgspec

from rlsaudit.model import Operation
from rlsaudit.report.json_v1 import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"

OBJECT_TYPES = (
    *(
        "table",
        "view",
        "materialized_view",
        "foreign_table",
        "column",
        "function",
        "policy",
        "schema",
        "sequence",
        "role",
    ),
    *("bucket", "publication", "extension", "trigger", "server", "intent"),
)
"""What a finding may be about."""

OPERATIONS = (
    *(operation.value for operation in Operation),
    *("truncate", "references", "trigger", "maintain", "execute", "usage", "create", "all"),
)
"""What a finding may allow: the columns of the matrix, the other privileges of the catalog, or all of it."""


_REQUIRED_WITH_A_DEFAULT = {
    "Persona": ("claims",),
    "Cell": ("columns",),
    "Finding": ("location",),
    "Evidence": ("sql", "result"),
    "Fix": ("verified",),
}
"""Keys that version 1 began with and that the model gives defaults for the sake of whoever makes the objects."""


def json_schema() -> dict[str, Any]:
    """Describe the JSON report, version 1, as a JSON Schema."""
    generated = msgspec.json.schema(Document)
    definitions = generated["$defs"]
    for name, definition in definitions.items():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
        for key in _REQUIRED_WITH_A_DEFAULT.get(name, ()):
            definition["properties"][key].pop("default", None)
            definition["required"].append(key)
    # The model says `str` where rules add words of their own kind; the contract lists them.
    definitions["ObjectRef"]["properties"]["type"]["enum"] = list(OBJECT_TYPES)
    definitions["Finding"]["properties"]["operation"]["enum"] = list(OPERATIONS)
    document = definitions.pop("Document")
    return {"$schema": DIALECT, **document, "title": "rlsaudit report, version 1", "$defs": definitions}


def main() -> None:
    """Write the schema to standard output."""
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")


if __name__ == "__main__":
    main()
