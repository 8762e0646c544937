"""Puts an intent file on top of its pack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.errors import IntentError
from rlsaudit.intent.comments import functions, members
from rlsaudit.intent.meaning import Allowance, FunctionRule, Intent, SuppressRule
from rlsaudit.intent.packs import read_pack
from rlsaudit.intent.read import listed, read
from rlsaudit.intent.zones import EVERY_PERSONA, Member, allowances
from rlsaudit.model import Operation, Persona, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rlsaudit.intent.comments import Remark
    from rlsaudit.intent.schema import Allow, IntentFile, Suppress, ZoneMember

BUILT_IN_PERSONAS = {"supabase": ("anon", "authenticated", "anonymous-sign-in", "aal2")}
"""The personas that exist without being declared, by platform; not all of them are shown of every database."""


_SERVER = "service_role"
_FILE = ".toml"
"""How the name of a file ends, in `extends`; any other word there is a pack's."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """A file or pack; `source` is what it is called, and `written` whether the user wrote it."""

    content: IntentFile
    source: str
    written: bool

    def place(self, table: str, number: int) -> str:
        """Where an entry of the user's is, to be found again: `rlsaudit.toml, [[allow]] 2`."""
        return f"{self.source}, [[{table}]] {number}" if self.written else ""

    def zone_place(self, zone: str, number: int) -> str:
        """The same of an entry of a zone: `rlsaudit.toml, zones.public, entry 2`."""
        return f"{self.source}, zones.{zone}, entry {number}" if self.written else ""


def load(path: Path | None, platform: str, remarks: Sequence[Remark] = ()) -> Intent:
    """Loads what the owner meant.

    Args:
        path: The intent file; None where there is none, and then the platform's pack stands in.
        platform: `supabase` or `postgres`, also the name of the pack that a file extends if it names no other.
        remarks: What comments in the database say: more than the packs, and less than any file.

    Raises:
        IntentError: The file cannot be read or understood, or says something that cannot be.
    """
    # From the least to the most particular, for what comes later wins.
    layers = _layers(path, platform)
    for layer in layers:
        if layer.written:
            _refuse_built_in_names(layer.content, layer.source, platform)
    contents = [layer.content for layer in layers]
    personas = tuple(
        Persona(one.name, one.role, one.claims, one.settings, one.description)
        for content in contents
        for one in content.persona
    )
    _refuse_two_of_a_name(personas)
    signed_in = _signed_in(platform, personas)
    packs = [one for one in layers if not one.written]
    files = [one for one in layers if one.written]
    return Intent(
        allowances=(
            *_allowances(packs, signed_in),
            *(each for one in members(remarks) for each in allowances(one, signed_in, declared=True)),
            *_allowances(files, signed_in),
        ),
        functions=(*_functions(packs), *functions(remarks, signed_in), *_functions(files)),
        sensitive=_joined(one.columns.sensitive for one in contents),
        owner=_joined(one.columns.owner for one in contents),
        tenant=_joined(one.columns.tenant for one in contents),
        public_buckets=_joined(one.buckets.public for one in contents),
        personas=personas,
        schemas=next((tuple(one.schemas) for one in reversed(contents) if one.schemas is not None), ()),
        suppressions=tuple(_suppressions(layers)),
    )


def _layers(path: Path | None, platform: str) -> list[_Layer]:
    """The file on top of what it extends, or of the platform's pack; each once, where it came first."""
    found: dict[str, _Layer] = {}
    for one in _of_pack(platform, "The platform") if path is None else _of_file(path, platform, ()):
        found.setdefault(str(Path(one.source).resolve()) if one.written else one.source, one)
    return list(found.values())


def _of_file(path: Path, platform: str, above: tuple[Path, ...]) -> list[_Layer]:
    """A file on top of what it extends. `above` are the files that extend it, the topmost first."""
    content = read(path, f"The file given by `extends` in {above[-1]}" if above else "")
    if path.resolve() in above:
        message = f"{above[-1]} extends {path}, which in the end extends it again."
        raise IntentError(message, hint="Take one of the entries of `extends` out.")
    layers: list[_Layer] = []
    for name in [platform] if content.extends is None else listed(content.extends):
        if name.endswith(_FILE):
            layers += _of_file(path.parent / name, platform, (*above, path.resolve()))
        else:
            layers += _of_pack(name, str(path))
    return [*layers, _Layer(content, str(path), written=True)]


def _of_pack(name: str, source: str) -> list[_Layer]:
    """The pack and those that it extends, the most general first."""
    content = read_pack(name, source)
    below = [] if content.extends is None else listed(content.extends)
    layers = [layer for one in below for layer in _of_pack(one, f"the pack {name}")]
    return [*layers, _Layer(content, f"the pack {name}", written=False)]


def _refuse_built_in_names(intent_file: IntentFile, source: str, platform: str) -> None:
    for persona in intent_file.persona:
        if persona.name in BUILT_IN_PERSONAS.get(platform, ()):
            message = f'{source}: the persona "{persona.name}" is built in and cannot be declared.'
            raise IntentError(message, hint="Give the persona another name; its role may be the same.")


def _refuse_two_of_a_name(personas: Sequence[Persona]) -> None:
    names = [one.name for one in personas]
    for name in names:
        if names.count(name) > 1:
            message = f'Two files declare a persona of the name "{name}".'
            raise IntentError(message, hint="Declare it in one of them, or give one another name.")


def _signed_in(platform: str, personas: Iterable[Persona]) -> tuple[str, ...]:
    """Whom zones mean by those who have signed in, by name or role.

    On Supabase that is a role, with whoever the file declares beside the server's own; elsewhere every persona is one
    that the application connects as.
    """
    if platform != "supabase":
        return EVERY_PERSONA
    return ("authenticated", *(one.name for one in personas if one.role != _SERVER))


def _allowances(layers: Iterable[_Layer], signed_in: tuple[str, ...]) -> Iterator[Allowance]:
    """What files or packs allow, relation by relation: in each the zones first, and then what is more particular."""
    for layer in layers:
        for zone, entries in layer.content.zones.items():
            for number, entry in enumerate(entries, start=1):
                member = _member(zone, entry, layer.zone_place(zone, number))
                yield from allowances(member, signed_in, declared=layer.written)
        for number, allow in enumerate(layer.content.allow, start=1):
            yield _allowance(allow, layer, number)


def _member(zone: str, entry: str | ZoneMember, place: str) -> Member:
    if isinstance(entry, str):
        return Member(zone, (entry,), place=place)
    others = {
        Operation.SELECT: entry.select,
        Operation.INSERT: entry.insert,
        Operation.UPDATE: entry.update,
        Operation.DELETE: entry.delete,
    }
    named = {operation: other for operation, other in others.items() if other is not None}
    return Member(zone, tuple(listed(entry.relation)), named, tuple(entry.columns), place)


def _functions(layers: Iterable[_Layer]) -> Iterator[FunctionRule]:
    for layer in layers:
        for number, one in enumerate(layer.content.function, start=1):
            names, callers = tuple(listed(one.name)), tuple(listed(one.callable_by))
            yield FunctionRule(names, callers, layer.written, layer.place("function", number))


def _allowance(allow: Allow, layer: _Layer, number: int) -> Allowance:
    reaches = {
        Operation.SELECT: allow.select,
        Operation.INSERT: allow.insert,
        Operation.UPDATE: allow.update,
        Operation.DELETE: allow.delete,
    }
    said = tuple((operation, Reach(reach)) for operation, reach in reaches.items() if reach is not None)
    return Allowance(
        relations=tuple(listed(allow.relation)),
        personas=tuple(listed(allow.persona)),
        reaches=said,
        columns=tuple(allow.columns),
        protected=allow.protected,
        declared=layer.written,
        place=layer.place("allow", number),
        where=allow.where,
        expected=frozenset(one for one, reach in reaches.items() if reach is not None)
        if layer.written
        else frozenset(),
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
