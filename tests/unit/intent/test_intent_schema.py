"""The JSON Schema of intent files, for editors."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from rlsaudit.intent.json_schema import json_schema

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "intent.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)


def valid(text: str) -> bool:
    # A day of TOML is a text to editors.
    instance = json.loads(json.dumps(tomllib.loads(text), default=str))
    return jsonschema.Draft7Validator(json_schema()).is_valid(instance)


def test_the_schema_is_one_and_the_published_one() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())
    assert json.loads((ROOT / "docs" / "intent.schema.json").read_text("utf-8")) == json_schema()


@pytest.mark.parametrize("example", [*EXAMPLES, *(one.read_text("utf-8") for one in (ROOT / "policies").iterdir())])
def test_what_is_documented_is_valid(example: str) -> None:
    assert valid(example)


@pytest.mark.parametrize(
    "text",
    [
        "alow = 3",
        '[zones]\nprivate = ["public.t"]',
        '[zones]\npublic = [{ relation = "public.t", insert = "own" }]',
        '[[allow]]\nrelation = "public.t"\npersona = "x"\nselect = "most"',
        '[[suppress]]\nrule = "rls-off"\nobject = "public.t"\nreason = "x"',
    ],
)
def test_what_is_refused_is_not_valid(text: str) -> None:
    assert not valid(text)


def test_the_documentation_begins_files_with_the_schema() -> None:
    assert EXAMPLES[0].startswith("#:schema ./rlsaudit.schema.json\n")
