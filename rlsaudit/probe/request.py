"""Sets a request up as the API does, so that the server sees what it would see from the persona's client.

PostgREST (src/PostgREST/Query/PreQuery.hs) sends one `select set_config(…, true), …`: search_path, the role's own
settings, role, request.jwt.claims, request.method, request.path, request.headers, request.cookies. It never sets
`request.jwt.claim.sub`, and neither do we.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import STRANGER, VARIES
from rlsaudit.names import ident, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.model import Persona

_API_SEARCH_PATH = "public, extensions"
_LOGIN_SEARCH_PATH = '"$user", public'
"""What a login has where nothing else is set."""
COUNTER = "rlsaudit.n"
"""The setting by which statements of ours count rows; it is `0` when each of them begins."""
SET_BY_API = frozenset(
    {
        "search_path", "role", "request.jwt.claims", "request.method", "request.path", "request.headers",
        "request.cookies",
    }
)  # fmt: skip
"""What the API sets for each request, so that nothing stays there from the one before on the same connection."""
_PLAIN_REQUEST = {"request.method": "GET", "request.path": "/", "request.headers": "{}", "request.cookies": "{}"}
"""What the API sets for a request of which nothing is said but who sends it."""
_ALL_ROLES = 0
_OWN_SCHEMA = '"$user"'


def settings(catalog: Catalog, platform: Platform, persona: Persona) -> dict[str, str]:
    """Returns the settings of the persona's request, in the order in which they are to be made."""
    made: dict[str, str] = {"search_path": _API_SEARCH_PATH if platform is Platform.SUPABASE else _LOGIN_SEARCH_PATH}
    role = catalog.roles_by_name[persona.role]
    # SET ROLE does not apply what ALTER ROLE … SET says; a login would have, and PostgREST sets it. What holds for
    # the role comes after what holds for all, and what holds in this database after what holds in any.
    holders = (role.oid,) if platform is Platform.SUPABASE else (_ALL_ROLES, role.oid)
    made |= {
        one.name: one.value
        for one in sorted(catalog.snapshot.role_settings, key=lambda one: (one.role != _ALL_ROLES, one.this_database))
        if one.role in holders and one.value is not None and one.name in {"search_path", "row_security"}
    }
    made["role"] = persona.role
    if platform is Platform.SUPABASE or persona.claims:
        made["request.jwt.claims"] = json.dumps(_given(persona.claims), ensure_ascii=True, sort_keys=True)
    if platform is Platform.SUPABASE:
        made |= _PLAIN_REQUEST
    made |= {name: str(_given(value)) for name, value in persona.settings.items()}
    return made


def _given(value: object) -> object:
    """A setting or a claim as a request brings it along: where it varies by identity, what is nobody's.

    That has the form that most ids have.
    """
    if isinstance(value, dict):
        return {key: _given(one) for key, one in value.items()}
    return STRANGER if isinstance(value, str) and value.startswith(VARIES) else value


def transcript(
    made: Mapping[str, str],
    statement: str,
    *,
    first: Sequence[str] = (),
    writes: bool = False,
    stage: Sequence[str] = (),
) -> tuple[str, ...]:
    """Returns the probe as SQL that a person can replay, in a session that may SET ROLE to the persona's.

    `first` are statements of the persona's that come before, `stage` those of the session itself that come before all:
    they put rows there (`rlsaudit.probe.rows.placed`).
    """
    lines = ["begin" if writes or stage else "begin read only", *stage]
    for name, value in made.items():
        if name == "role":
            lines.append(f"set local role {ident(value)}")
        elif name == "search_path":
            # A list whose quotes mean something, and which whoever may alter the role has written.
            plain = all(part == _OWN_SCHEMA or part == ident(part) for part in value.split(", "))
            made_by_call = f"select pg_catalog.set_config('search_path', {literal(value).strip()}, true)"
            lines.append(f"set local search_path = {value}" if plain else made_by_call)
        elif value != _PLAIN_REQUEST.get(name):
            named = ".".join(ident(part) for part in name.split("."))
            lines.append(f"set local {named} = {literal(value).strip()}")
    for one in (*first, statement):
        lines += [f"set local {COUNTER} = '0'", one] if COUNTER in one else [one]
    return (*lines, "rollback")
