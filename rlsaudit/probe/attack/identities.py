"""Who attacks: the persona as it is, whom nothing belongs to, and where it has an identity a user with rows, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rlsaudit.model import STRANGER, VARIES
from rlsaudit.personas import built_in
from rlsaudit.probe.rows import Principal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.model import JsonObject, Persona

_USER = "{letter}-0000-4000-8000-000000000001"


def _principal(name: str, *, crowd: bool = False, account: bool = True) -> Principal:
    user = _USER.format(letter=name.lower() * 8)
    stranger = built_in("authenticated" if account else "anonymous-sign-in")
    claims = {**(stranger.claims if stranger else {}), "sub": user}
    if account:
        # Of a domain of its own: who shares one may be meant to see one another.
        claims["email"] = f"{name.lower()}@{name.lower() * 8}.example"
    return Principal(name, user, claims, crowd=crowd)


OWNER = _principal("A")
"""The user whose own rows an identity asks for."""
OTHERS = (_principal("B"), _principal("C", crowd=True))
"""Those whom the rows of strangers belong to. C stands for several, so that profiles are of every content, too."""
NEWCOMER = _principal("D")
"""Somebody who has just signed up: nothing is made for it, and what signing up brings it has."""
PASSER_BY = _principal("E", account=False)
"""Somebody who has just signed in without an account."""
PLAIN = _principal("F")
"""Somebody with rows that say nothing of it that policies ask for, so far as they can do without."""
LEVEL, SECOND_FACTOR = "aal", "aal2"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who sends statements as a persona.

    `owns` is the principal whose rows are its own, None where it has none. `strange` is whether every row that is there
    is a stranger's: `Strangers` tells of which relations.
    """

    persona: Persona
    owns: Principal | None = None
    strange: bool = False


def principals(personas: Sequence[Persona], of: Sequence[Principal] = (OWNER, *OTHERS)) -> tuple[Principal, ...]:
    """Returns everybody whom rows are made for, with what in the personas' requests says who one is."""
    settings = dict.fromkeys(name for one in personas for name, value in one.settings.items() if _varies(value))
    found = []
    for one in of:
        claims = dict(one.claims)
        for persona in personas:
            claims = _with_given(claims, persona.claims, one.user)
        found.append(replace(one, claims=claims, settings=dict.fromkeys(settings, one.user)))
    return tuple(found)


def _with_given(claims: Mapping[str, Any], of: Mapping[str, Any], value: str) -> JsonObject:
    """Claims with a value wherever others have one that the server gives."""
    found = dict(claims)
    for key, one in of.items():
        if isinstance(one, dict):
            inner = found.get(key)
            found[key] = _with_given(inner if isinstance(inner, dict) else {}, one, value)
        elif _varies(one):
            found[key] = value
    return found


def _varies(value: object) -> bool:
    """Whether a setting, or a claim or what is in it, is another for everybody."""
    if isinstance(value, dict):
        return any(map(_varies, value.values()))
    return isinstance(value, str) and value.startswith(VARIES)


def identities(persona: Persona, *, leveled: bool = False) -> tuple[Identity, ...]:
    """Returns who attacks as the persona: the persona as it is, and a user with rows, where it may be one.

    With claims and settings that are not varied there is nobody else that it could be. Where something is `leveled`, by
    whether a second factor was given, both also come with one: whoever has signed up can bring one along.
    """
    with_rows = _varies(persona.settings) or _varies(persona.claims) or persona.claims.get("sub") == STRANGER
    found = [Identity(persona), *([Identity(posing_as(OWNER, persona), OWNER)] if with_rows else [])]
    if leveled and is_leveled(persona):
        found += [replace(one, persona=_with_second_factor(one.persona)) for one in found]
    return tuple(found)


def is_leveled(persona: Persona) -> bool:
    """Whether the persona may have signed in without a second factor, and could with one."""
    return persona.claims.get("sub") == STRANGER and persona.claims.get(LEVEL) == "aal1"


def plain_ones(
    personas: Sequence[Persona], *, leveled: bool = False
) -> Iterator[tuple[Principal, Mapping[str, Sequence[Identity]]]]:
    """Yields who has plain rows, with who that is for each of the personas, by its name: see `identities`.

    Of personas that are nobody but their role each is one by itself: its rows name the role.
    """
    by_request = [one for one in personas if any(each.owns for each in identities(one))]
    if by_request:
        (plain,) = principals(personas, (PLAIN,))
        yield (
            plain,
            {one.name: _sessions(Identity(posing_as(plain, one), plain), leveled=leveled) for one in by_request},
        )
    for one in personas:
        if not one.claims and not one.settings:
            plain = replace(PLAIN, role=one.role)
            yield plain, {one.name: (Identity(one, plain),)}


def _sessions(by: Identity, *, leveled: bool) -> tuple[Identity, ...]:
    further = leveled and is_leveled(by.persona)
    return (by, *([replace(by, persona=_with_second_factor(by.persona))] if further else []))


def _with_second_factor(persona: Persona) -> Persona:
    return replace(persona, claims={**persona.claims, LEVEL: SECOND_FACTOR})


def newcomer_as(persona: Persona) -> Principal:
    """Returns who has just signed up, or in, as the persona."""
    return PASSER_BY if persona.claims.get("is_anonymous") is True else NEWCOMER


def ids_of(persona: Persona) -> tuple[str, ...]:
    """Returns what a row may hold that names who asks as the persona: ids that its claims and settings carry.

    Without any it is known by the name of its role.
    """
    if not persona.claims and not persona.settings:
        return (persona.role,)
    sub = persona.claims.get("sub")
    found = (STRANGER if _varies(value) else value for value in persona.settings.values())
    return tuple(dict.fromkeys((*([sub] if isinstance(sub, str) else []), *found)))


def posing_as(principal: Principal, persona: Persona) -> Persona:
    """Returns the persona with the requests of a principal."""
    settings = {name: principal.user if _varies(value) else value for name, value in persona.settings.items()}
    claims = _with_given(persona.claims, persona.claims, principal.user)
    # Who has no account has no address either, whoever it is.
    mine = ("sub", "email") if claims.get("email") else ("sub",)
    claims.update({name: principal.claims[name] for name in mine if name in claims})
    return replace(persona, claims=claims, settings=settings)


def known_as(principal: Principal, persona: Persona) -> str:
    """Returns what stands in rows of a principal that sends the persona's requests: its id, or the name of its role."""
    return persona.role if not persona.claims and not persona.settings else principal.user
