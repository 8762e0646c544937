"""Puts an intent file on top of its pack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.errors import IntentError
from rlsaudit.intent.meaning import Allowance, FunctionRule, Intent
from rlsaudit.intent.packs import read_pack
from rlsaudit.intent.read import listed, read
from rlsaudit.model import Operation, Persona, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rlsaudit.intent.schema import Allow, IntentFile

BUILT_IN_PERSONAS = {"supabase": ("anon", "authenticated", "anonymous-sign-in", "aal2")}
"""The personas that exist without being declared, by platform; not all of them are shown of every database."""


def load(path: Path | None, platform: str) -> Intent:
    """Loads what the owner meant.

    Args:
        path: The intent file; None where there is none, and then the platform's pack stands in.
        platform: `supabase` or `postgres`, also the name of the pack that a file extends if it names no other.

    Raises:
        IntentError: The file cannot be read or understood, or says something that cannot be.
    """
    files = [] if path is None else [read(path)]
    source = "The platform" if path is None else str(path)
    packs = _chain((files[0].extends if files else None) or platform, source)
    if path is not None:
        _refuse_built_in_names(files[0], str(path), platform)
    # From the least to the most particular, for what comes later wins.
    layers = [(pack, False) for pack in packs] + [(file, True) for file in files]
    return Intent(
        allowances=tuple(_allowance(allow, written) for layer, written in layers for allow in layer.allow),
        functions=tuple(
            FunctionRule(tuple(listed(one.name)), tuple(listed(one.callable_by)), written)
            for layer, written in layers
            for one in layer.function
        ),
        sensitive=_joined(layer.columns.sensitive for layer, _ in layers),
        owner=_joined(layer.columns.owner for layer, _ in layers),
        tenant=_joined(layer.columns.tenant for layer, _ in layers),
        public_buckets=_joined(layer.buckets.public for layer, _ in layers),
        personas=tuple(
            Persona(one.name, one.role, one.claims, one.settings, one.description)
            for layer, _ in layers
            for one in layer.persona
        ),
        schemas=next((tuple(layer.schemas) for layer, _ in reversed(layers) if layer.schemas is not None), ()),
    )


def _chain(name: str, source: str) -> list[IntentFile]:
    """The pack and those that it extends, the most general first."""
    chain: list[IntentFile] = []
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        chain.insert(0, read_pack(name, source))
        if (extends := chain[0].extends) is None:
            return chain
        source, name = f"the pack {name}", extends
    message = f'The pack "{name}" extends itself.'
    raise IntentError(message, hint="This is a fault of rlsaudit: please report it.")


def _refuse_built_in_names(intent_file: IntentFile, source: str, platform: str) -> None:
    for persona in intent_file.persona:
        if persona.name in BUILT_IN_PERSONAS.get(platform, ()):
            message = f'{source}: the persona "{persona.name}" is built in and cannot be declared.'
            raise IntentError(message, hint="Give the persona another name; its role may be the same.")


def _allowance(allow: Allow, written: bool) -> Allowance:  # noqa: FBT001
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
        declared=written,
    )


def _joined(lists: Iterable[list[str]]) -> tuple[str, ...]:
    return tuple(pattern for patterns in lists for pattern in patterns)
