"""Puts an intent file on top of its pack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.errors import IntentError
from rlsaudit.intent.meaning import Allowance, FunctionRule, Intent, SuppressRule
from rlsaudit.intent.packs import read_pack
from rlsaudit.intent.read import listed, read
from rlsaudit.model import Operation, Persona, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rlsaudit.intent.schema import Allow, IntentFile, Suppress

BUILT_IN_PERSONAS = {"supabase": ("anon", "authenticated", "anonymous-sign-in", "aal2")}
"""The personas that exist without being declared, by platform; not all of them are shown of every database."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """A file or pack; `source` is what it is called, and `written` whether the user wrote it."""

    content: IntentFile
    source: str
    written: bool

    def place(self, table: str, number: int) -> str:
        """Where an entry of the user's is, to be found again: `rlsaudit.toml, [[allow]] 2`."""
        return f"{self.source}, [[{table}]] {number}" if self.written else ""


def load(path: Path | None, platform: str) -> Intent:
    """Loads what the owner meant.

    Args:
        path: The intent file; None where there is none, and then the platform's pack stands in.
        platform: `supabase` or `postgres`, also the name of the pack that a file extends if it names no other.

    Raises:
        IntentError: The file cannot be read or understood, or says something that cannot be.
    """
    # From the least to the most particular, for what comes later wins.
    layers = _layers(path, platform)
    for layer in layers:
        if layer.written:
            _refuse_built_in_names(layer.content, layer.source, platform)
    contents = [layer.content for layer in layers]
    return Intent(
        allowances=tuple(
            _allowance(allow, layer, number)
            for layer in layers
            for number, allow in enumerate(layer.content.allow, start=1)
        ),
        functions=tuple(
            FunctionRule(
                tuple(listed(one.name)),
                tuple(listed(one.callable_by)),
                layer.written,
                layer.place("function", number),
            )
            for layer in layers
            for number, one in enumerate(layer.content.function, start=1)
        ),
        sensitive=_joined(one.columns.sensitive for one in contents),
        owner=_joined(one.columns.owner for one in contents),
        tenant=_joined(one.columns.tenant for one in contents),
        public_buckets=_joined(one.buckets.public for one in contents),
        personas=tuple(
            Persona(one.name, one.role, one.claims, one.settings, one.description)
            for content in contents
            for one in content.persona
        ),
        schemas=next((tuple(one.schemas) for one in reversed(contents) if one.schemas is not None), ()),
        suppressions=tuple(_suppressions(layers)),
    )


def _layers(path: Path | None, platform: str) -> list[_Layer]:
    """The file on top of what it extends, or of the platform's pack."""
    if path is None:
        return _chain(platform, "The platform")
    content = read(path)
    return [*_chain(content.extends or platform, str(path)), _Layer(content, str(path), written=True)]


def _chain(name: str, source: str) -> list[_Layer]:
    """The pack and those that it extends, the most general first."""
    chain: list[_Layer] = []
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        chain.insert(0, _Layer(read_pack(name, source), f"the pack {name}", written=False))
        if (extends := chain[0].content.extends) is None:
            return chain
        source, name = f"the pack {name}", extends
    message = f'The pack "{name}" extends itself.'
    raise IntentError(message, hint="This is a fault of rlsaudit: please report it.")


def _refuse_built_in_names(intent_file: IntentFile, source: str, platform: str) -> None:
    for persona in intent_file.persona:
        if persona.name in BUILT_IN_PERSONAS.get(platform, ()):
            message = f'{source}: the persona "{persona.name}" is built in and cannot be declared.'
            raise IntentError(message, hint="Give the persona another name; its role may be the same.")


def _allowance(allow: Allow, layer: _Layer, number: int) -> Allowance:
    reaches = {
        Operation.SELECT: allow.select,
        Operation.INSERT: allow.insert,
        Operation.UPDATE: allow.update,
        Operation.DELETE: allow.delete,
    }
    return Allowance(
        relations=tuple(listed(allow.relation)),
        personas=tuple(listed(allow.persona)),
        reaches=tuple((operation, Reach(reach)) for operation, reach in reaches.items() if reach is not None),
        columns=tuple(allow.columns),
        protected=allow.protected,
        declared=layer.written,
        place=layer.place("allow", number),
    )


def _suppressions(layers: Iterable[_Layer]) -> Iterator[SuppressRule]:
    for layer in layers:
        for number, one in enumerate(layer.content.suppress, start=1):
            yield _suppression(one, layer.place("suppress", number))


def _suppression(one: Suppress, place: str) -> SuppressRule:
    return SuppressRule(
        rules=tuple(listed(one.rule)),
        objects=tuple(listed(one.object)),
        reason=" ".join(one.reason.split()),
        expires=one.expires,
        personas=() if one.persona is None else tuple(listed(one.persona)),
        fingerprint=one.fingerprint,
        place=place,
    )


def _joined(lists: Iterable[list[str]]) -> tuple[str, ...]:
    return tuple(pattern for patterns in lists for pattern in patterns)
