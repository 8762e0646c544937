"""Print the JSON Schema of intent files: `python -m rlsaudit.intent.json_schema > docs/intent.schema.json`.

It is made from the structs that read them, so it cannot fall behind. Editors take it for completion and for squiggles.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import msgspec

from rlsaudit.intent.schema import IntentFile
from rlsaudit.intent.zones import ZONES

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What editors of TOML speak."""
_REST = "$defs/"


def json_schema() -> dict[str, Any]:
    """Describe an intent file as a JSON Schema."""
    generated = json.loads(json.dumps(msgspec.json.schema(IntentFile)).replace(_REST, "definitions/"))
    definitions = generated["$defs"]
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    intent_file = definitions.pop("IntentFile")
    # A table of any keys would be no help; these are the only ones.
    zones = intent_file["properties"]["zones"]
    entries = zones.pop("additionalProperties")
    zones |= {"properties": dict.fromkeys(ZONES, entries), "additionalProperties": False}
    return {"$schema": DIALECT, **intent_file, "title": "rlsaudit.toml", "definitions": definitions}


def main() -> None:
    """Write the schema to standard output."""
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")


if __name__ == "__main__":
    main()
