"""Policies that go by what a client says of itself, asking what only the server writes: claims in app_metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.names import literal
from rlsaudit.rules.rewritten import rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.rules.case import Case

_FIRST = "-- The server has to put that into app_metadata first: until then nobody passes by it."
_OF_SERVER = "((select auth.jwt()) -> 'app_metadata')"
_METADATA = re.compile(r"'user_metadata'|\{user_metadata(?=[,}])")
_REQUEST = re.compile(
    r"\(current_setting\('request\.(?:headers|cookies)'::text(?:, true)?\)\)::jsonb?( ->> '(?:x-)?([\w-]+)'::text)?"
)
_E_MAIL = re.compile(r"\( SELECT auth\.email\(\) AS email\)|\bauth\.email\(\)")
_E_MAIL_CLAIM = re.compile(r"(\( SELECT auth\.jwt\(\) AS jwt\)|\bauth\.jwt\(\))(?= ->> 'email'::text)")


def by_server(case: Case, relation: Relation, policies: Collection[Policy], asking: Callable[[str], str]) -> str | None:
    """Returns SQL by which the policies read the same claims out of app_metadata; None where they do not tell them.

    Nobody passes by a claim that nobody has: that the server has to write it stands above. `asking` is one of the
    functions below, for where the claims are now.
    """
    if case.platform is not Platform.SUPABASE:
        return None
    lines = [rewrite(case, relation, one, asking) for one in policies]
    return None if not lines or None in lines else "\n".join([_FIRST, *filter(None, lines)])


def not_of_user(text: str) -> str:
    """Returns a condition that asks app_metadata where it asked user_metadata."""
    return _METADATA.sub(lambda found: found[0].replace("user_metadata", "app_metadata"), text)


def not_of_request(text: str) -> str:
    """Returns a condition that asks app_metadata where it asked a header or a cookie, by the name without dashes."""
    return _REQUEST.sub(
        lambda found: _OF_SERVER + (f" ->> '{found[2].replace('-', '_')}'" if found[1] else ""),
        text,
    )


def not_of_address(text: str) -> str:
    """Returns a condition that asks app_metadata for the e-mail address."""
    text = _E_MAIL.sub(f"({_OF_SERVER} ->> 'email')", text)
    return _E_MAIL_CLAIM.sub(r"(\1 -> 'app_metadata')", text)


def helpers_by_server(case: Case, functions: Collection[Function]) -> str:
    """Returns SQL by which functions read out of app_metadata what they read out of user_metadata."""
    lines = []
    for one in functions:
        made = f"pg_get_functiondef({literal(case.catalog.function_identity(one)).strip()}::regprocedure)"
        for old, new in _IN_BODIES.items():
            made = f"replace({made}, {literal(old).strip()}, {literal(new).strip()})" if old in one.body else made
        body = f"begin\n  execute {made};\nend"
        # A name may hold what ends a body in dollar quotes.
        lines.append(f"do {literal(body).strip()};" if "$" in body else f"do $$ {body} $$;")
    return "\n".join([_FIRST, *lines])


_IN_BODIES = {"'user_metadata'": "'app_metadata'", "raw_user_meta_data": "raw_app_meta_data"}
