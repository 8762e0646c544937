"""Which changes open a door: for most findings all of them, for some rules only certain ones."""

from __future__ import annotations

from typing import Final

Change = tuple[str, str]

_GRANTS: Final = frozenset(
    {
        ("relation", "created"),
        ("relation", "granted"),
        ("relation", "moved"),
        ("column", "granted"),
        ("child", "created"),
        ("schema", "granted"),
        ("schema", "renamed"),
    }
)
_POLICIES: Final = frozenset(
    {("policy", "created"), ("policy", "altered"), ("restriction", "altered"), ("restriction", "dropped")}
)
_CODE: Final = frozenset({("function", one) for one in ("altered", "owner")})
_VIEWS: Final = frozenset(
    {
        ("relation", "owner"),
        ("relation", "altered"),
        ("rule", "created"),
        ("rule", "altered"),
        ("rule", "dropped"),
    }
)
_RLS: Final = frozenset({("relation", "rls off"), ("relation", "forced off")})
_FUNCTIONS: Final = frozenset({("function", one) for one in ("created", "altered", "granted", "owner", "moved")})
_OTHERS: Final = frozenset(
    (kind, change)
    for kind in ("publication", "published", "server", "extension", "bucket", "role", "member", "setting", "default")
    for change in ("created", "create", "altered", "granted", "owner", "alter")
)
_TRIGGERS: Final = frozenset({("trigger", one) for one in ("created", "altered", "dropped")})

OPENING: Final[frozenset[Change]] = frozenset(
    _GRANTS | _POLICIES | _CODE | _VIEWS | _RLS | _FUNCTIONS | _OTHERS | _TRIGGERS
)
"""What may let somebody in; revoking, renaming and enabling RLS do not."""

_BY_RULE: Final[dict[str, frozenset[Change]]] = {
    # What policies there are does not matter while nobody asks them.
    "rls-off": _GRANTS | _RLS,
    "policy-but-rls-off": _GRANTS | _RLS,
    "child-direct": _GRANTS | _RLS,
    "rls-no-policy": frozenset({("relation", "rls on"), ("policy", "dropped"), ("relation", "created")}),
    "matview": _GRANTS | _VIEWS,
    "foreign-table": _GRANTS | _VIEWS,
    "definer-view": _GRANTS | _VIEWS,
    "truncate-bypass": _GRANTS | frozenset({("default", "created"), ("default", "granted")}),
    "default-grant": frozenset({("default", "created"), ("default", "granted")}),
    "realtime-publication": frozenset(
        {("published", "created"), ("publication", "created"), ("publication", "altered")}
    )
    | _RLS,
}
# An object's own changes; that its table was granted to somebody did not make the policy wrong.
_BY_TYPE: Final[dict[str, frozenset[Change]]] = {
    "policy": _POLICIES | _CODE,
    "function": _FUNCTIONS | frozenset({("schema", "granted")}),
    "view": _GRANTS | _VIEWS | _CODE,
    # What a column is called says what is in it.
    "column": _GRANTS | frozenset({("column", "created"), ("column", "renamed")}),
}


def doors(rule: str, kind: str) -> frozenset[Change]:
    """Returns the changes that may have opened what `rule` found at an object of this kind."""
    return _BY_RULE.get(rule) or _BY_TYPE.get(kind, OPENING)
