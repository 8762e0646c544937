"""A world to audit: a schema, rows that are labelled by whose they are, and the calls that clients may make.

A file in `worlds/` is SQL in parts. What stands before the first mark is a migration, run as `postgres`; `-- @seed` are
rows, run as superuser; `-- @calls` are statements that every identity tries, one a line; `-- @claims` are claims that a
client brings about, or with a user's `sub` those that the server gave it, a JSON object a line, each tried by an
identity of its own, and so are `-- @headers`, which anybody may send.

Whose a row is, its values tell: identifiers of A's begin with aaaaaaaa, B's with bbbbbbbb; a row without is nobody's.
What A is a member of has such an identifier too. Where it cannot, as the row of a friend, who has one already,
`-- @tied` says so: a text and the names of those whose rows it makes out, a line.

`-- @measures` is what force has to find, so that a world keeps the point that it was made for: a persona, a relation,
and the reach of SELECT, INSERT, UPDATE and DELETE, a line. Where nothing is decided the bounds would not notice.

`apps/` holds applications in the same form that are right as they are; `-- @intent` is what their owners say of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import STRANGER, Operation, Reach
from rlsaudit.personas import built_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.model import JsonObject

WORLDS = Path(__file__).parent / "worlds"
A, B, C = (f"{letter * 8}-0000-4000-8000-000000000001" for letter in "abc")
APPS = Path(__file__).parent / "apps"
_INTENT = "-- @intent"
_PARTS = ("-- @seed", "-- @calls", "-- @claims", "-- @headers", "-- @tied", "-- @measures", _INTENT)
_USERS = "\n".join(
    f"insert into auth.users (id, email, raw_user_meta_data) values ('{one}', '{one[0]}@example.com', '{{}}');"
    for one in (A, B, C)
)

Measure: TypeAlias = "tuple[str, str, Mapping[Operation, Reach]]"
"""A persona and a relation with what is reached by each operation."""

SETTLED = {"anonymous-sign-in": frozenset({"email", "phone", "app_metadata"}), "aal2": frozenset({"aal"})}
"""The claims that somebody cannot bring about as one of these personas: they are what they are."""
TIED = {"aaaaaaaa": frozenset("A"), "bbbbbbbb": frozenset("B"), STRANGER: frozenset("S")}


@dataclass(frozen=True, slots=True)
class World:
    """A schema with its rows.

    `people` are the users by name, `tied` whose row one is that holds such a text. `marks` name the column, by table,
    that gives a row away wherever its value comes up; else it is `mark`. For those in `seeing_all` the rows of others
    are of every content that there is. `measures` is what force has to find.
    """

    name: str
    schema: str
    seed: str
    calls: tuple[str, ...] = ()
    claims: tuple[JsonObject, ...] = ()
    headers: tuple[JsonObject, ...] = ()
    people: Mapping[str, str] = field(default_factory=lambda: {"A": A, "B": B})
    tied: Mapping[str, frozenset[str]] = field(default_factory=lambda: dict(TIED))
    marks: Mapping[str, str] = field(default_factory=dict)
    seeing_all: frozenset[str] = frozenset({"anon", "S", "A", "B"})
    measures: tuple[Measure, ...] = ()
    intent: str = ""

    def owners(self, values: Mapping[str, str | None]) -> frozenset[str]:
        """Whose a row of these values is."""
        said = "\n".join(one for one in values.values() if one)
        return frozenset().union(*(names for text, names in self.tied.items() if text in said))


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who sends requests; `name` is as in `World.owners`, `user` the id that the token carries.

    `login` is the role that the session belongs to, `settings` is what the application sets.
    """

    name: str
    role: str
    claims: JsonObject
    user: str | None
    headers: JsonObject = field(default_factory=dict)
    login: str = "authenticator"
    settings: Mapping[str, str] = field(default_factory=dict)


def read_world(name: str, directory: Path = WORLDS) -> World:
    """Reads `<name>.sql` of a directory."""
    found = parts_of((directory / f"{name}.sql").read_text("utf-8"), _PARTS)
    calls, claims, headers, tied, measures = (
        [one for one in found[part].splitlines() if one.strip()] for part in _PARTS[1:-1]
    )
    return World(
        name,
        found[""],
        f"{_USERS}\n{found['-- @seed']}",
        tuple(calls),
        tuple(json.loads(one) for one in claims),
        tuple(json.loads(one) for one in headers),
        tied=TIED | {said: frozenset(names) for said, *names in map(str.split, tied)},
        measures=tuple(measured(*one.split()) for one in measures),
        intent=found[_INTENT],
    )


def parts_of(text: str, marks: tuple[str, ...]) -> dict[str, str]:
    """Returns what stands below each mark, and what stands before the first one, by ""."""
    found = {"": "", **dict.fromkeys(marks, "")}
    part = ""
    for line in text.splitlines():
        if line.strip() in marks:
            part = line.strip()
        else:
            found[part] += f"{line}\n"
    return found


def measured(persona: str, relation: str, *reaches: str) -> Measure:
    assert len(reaches) == len(Operation)
    return persona, relation, dict(zip(Operation, map(Reach, reaches), strict=True))


def identities(persona: str, world: World) -> tuple[Identity, ...]:
    """Everybody whom a built-in persona stands for: one that owns nothing first."""
    found = built_in(persona)
    assert found is not None
    anonymous = persona == "anon"
    first = Identity("anon" if anonymous else "S", found.role, found.claims, None if anonymous else STRANGER)
    sending = [replace(first, headers=one) for one in world.headers]
    if anonymous:
        return (first, *sending)
    users = [
        replace(first, name=name, claims={**found.claims, "sub": id_}, user=id_) for name, id_ in world.people.items()
    ]
    by_id = {id_: name for name, id_ in world.people.items()}
    chosen = [
        replace(one, name=by_id.get(sub, one.name), claims={**one.claims, **more}, user=sub)
        for one in (first, users[0])
        for more in world.claims
        if SETTLED.get(persona, frozenset()).isdisjoint(more)
        for sub in [str(more.get("sub", one.user))]
    ]
    return (first, *users, *chosen, *sending)
