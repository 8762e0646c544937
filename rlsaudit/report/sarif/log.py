"""As much of SARIF 2.1.0 as we write: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

No library makes these objects for us. sarif-om has had no release since 2019, pysarif none since 2023; sarif-pydantic
lets keys through that the standard forbids, and would bring pydantic along for the sake of class statements. So the
shapes are here, msgspec writes them, and the tests hold what is written against the standard's own JSON Schema.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Level = Literal["error", "warning", "note"]


class Shape(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An object of SARIF: keys in camel case, and none for what is not there."""


class Message(Shape, frozen=True, kw_only=True):
    """What people read: always as plain text, where it can be as Markdown, too."""

    text: str
    markdown: str | None = None


class Configuration(Shape, frozen=True, kw_only=True):
    """How grave what a rule finds is at worst."""

    level: Level


class Descriptor(Shape, frozen=True, kw_only=True):
    """A rule, or a kind of notification."""

    id: str
    name: str | None = None
    short_description: Message | None = None
    full_description: Message | None = None
    help: Message | None = None
    help_uri: str | None = None
    default_configuration: Configuration | None = None
    properties: dict[str, Any] = {}


class Component(Shape, frozen=True, kw_only=True):
    """The tool."""

    name: str
    version: str
    information_uri: str | None = None
    rules: list[Descriptor] = []
    notifications: list[Descriptor] = []


class Tool(Shape, frozen=True, kw_only=True):
    """The tool, as SARIF nests it."""

    driver: Component


class Region(Shape, frozen=True, kw_only=True):
    """A place within a file; lines count from 1."""

    start_line: int


class Artifact(Shape, frozen=True, kw_only=True):
    """A file, or what `uri_base_id` says instead."""

    uri: str | None = None
    uri_base_id: str | None = None
    description: Message | None = None


class PhysicalLocation(Shape, frozen=True, kw_only=True):
    """A place in a file."""

    artifact_location: Artifact
    region: Region | None = None


class LogicalLocation(Shape, frozen=True, kw_only=True):
    """An object of the database."""

    fully_qualified_name: str
    kind: str


class Location(Shape, frozen=True, kw_only=True):
    """Where a result is."""

    physical_location: PhysicalLocation
    logical_locations: list[LogicalLocation]


class Suppression(Shape, frozen=True, kw_only=True):
    """That a result was set aside: by the intent file, which is not in the source."""

    kind: Literal["external"]
    status: Literal["accepted"]
    justification: str | None = None


class Result(Shape, frozen=True, kw_only=True):
    """A finding."""

    rule_id: str
    rule_index: int
    level: Level
    message: Message
    locations: list[Location]
    partial_fingerprints: dict[str, str]
    suppressions: list[Suppression]
    baseline_state: Literal["new", "unchanged"] | None = None
    properties: dict[str, Any]


class Reference(Shape, frozen=True, kw_only=True):
    """Points at a descriptor."""

    id: str


class Notification(Shape, frozen=True, kw_only=True):
    """What is to be known about the run beside its results."""

    descriptor: Reference
    level: Level
    message: Message


class Invocation(Shape, frozen=True, kw_only=True):
    """That the tool ran, and what kept it from seeing all."""

    execution_successful: bool
    tool_configuration_notifications: list[Notification]


class Run(Shape, frozen=True, kw_only=True):
    """One audit."""

    tool: Tool
    invocations: list[Invocation]
    original_uri_base_ids: dict[str, Artifact]
    results: list[Result]
    column_kind: Literal["unicodeCodePoints", "utf16CodeUnits"]
    properties: dict[str, Any]


class Log(Shape, frozen=True, kw_only=True):
    """The file."""

    schema: str = msgspec.field(name="$schema")
    version: Literal["2.1.0"]
    runs: list[Run]
