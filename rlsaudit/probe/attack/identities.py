"""Who attacks: the persona as it is, whom nothing belongs to, and where it has an identity a user with rows, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.personas import STRANGER
from rlsaudit.probe.rows import Principal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Persona

_VARIES = "$"
_USER = "{letter}-0000-4000-8000-000000000001"


def _principal(name: str, *, crowd: bool = False) -> Principal:
    user = _USER.format(letter=name.lower() * 8)
    # What a token of GoTrue's carries, as `rlsaudit.personas.built_in` has it of the stranger.
    claims = {
        "sub": user,
        "role": "authenticated",
        "aud": "authenticated",
        # Of a domain of its own: who shares one may be meant to see one another.
        "email": f"{name.lower()}@{name.lower() * 8}.example",
        "is_anonymous": False,
        "aal": "aal1",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {},
    }
    return Principal(name, user, claims, crowd=crowd)


OWNER = _principal("A")
"""The user whose own rows an identity asks for."""
OTHERS = (_principal("B"), _principal("C", crowd=True))
"""Those whom the rows of strangers belong to. C stands for several, so that profiles are of every content, too."""
NEWCOMER = _principal("D")
"""Somebody who has just signed up: nothing is made for it, and what signing up brings it has."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who sends statements as a persona.

    `owns` is the principal whose rows are its own, None where it has none. `strange` is whether every row that is
    another's is a stranger's: it is, where nothing in the database names the identity.
    """

    persona: Persona
    owns: Principal | None
    strange: bool


def settings_of(personas: Iterable[Persona]) -> tuple[str, ...]:
    """Returns the settings by which personas' requests say who they are."""
    found = (name for one in personas for name, value in one.settings.items() if value.startswith(_VARIES))
    return tuple(dict.fromkeys(found))


def principals(settings: Iterable[str]) -> tuple[Principal, ...]:
    """Returns everybody whom rows are made for, in whose requests `settings` say who they are."""
    return tuple(replace(one, settings=dict.fromkeys(settings, one.user)) for one in (OWNER, *OTHERS))


def identities(persona: Persona) -> tuple[Identity, ...]:
    """Returns who attacks as the persona: first somebody to whom nothing belongs, where it stands for such."""
    varies = any(value.startswith(_VARIES) for value in persona.settings.values())
    signed_in = persona.claims.get("sub") == STRANGER
    if not varies and not signed_in:
        # With claims and settings of its own it may be somebody whom rows belong to; anon never is.
        return (Identity(persona, None, strange=persona.name == "anon"),)
    return (Identity(persona, None, strange=True), Identity(posing_as(OWNER, persona), OWNER, strange=False))


def names_of(persona: Persona) -> tuple[str, ...]:
    """Returns what a row may hold that names who asks as the persona: ids that its claims and settings carry."""
    sub = persona.claims.get("sub")
    found = (STRANGER if value.startswith(_VARIES) else value for value in persona.settings.values())
    return tuple(dict.fromkeys((*([sub] if isinstance(sub, str) else []), *found)))


def posing_as(principal: Principal, persona: Persona) -> Persona:
    """Returns the persona with the requests of a principal."""
    settings = {
        name: principal.user if value.startswith(_VARIES) else value for name, value in persona.settings.items()
    }
    claims = dict(persona.claims)
    claims.update({name: principal.claims[name] for name in ("sub", "email") if name in claims})
    return replace(persona, claims=claims, settings=settings)
