"""What the difference between two states of a row means for access."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ITEM = re.compile(r'((?:"(?:[^"]|"")*"|[^"=])*)=([A-Za-z*]*)/')
# PUBLIC may execute a function, and nobody but the owner has anything else, where no list is stored.
_UNSAID = {"function": {"": frozenset("X")}}
_RENAMED = {"name": "renamed", "schema": "moved", "owner": "owner"}


def changes(
    kind: str, fields: Sequence[str], before: Sequence[str | None] | None, after: Sequence[str | None]
) -> Iterator[str]:
    """Yields what happened to a row of this kind, in words; nothing where it was written anew as it was."""
    if before is None:
        yield "created"
        return
    other = False
    for field, old, new in zip(fields, before, after, strict=True):
        if old == new:
            continue
        if field == "acl":
            had, has = _granted(kind, old), _granted(kind, new)
            if any(not rights <= had.get(grantee, frozenset()) for grantee, rights in has.items()):
                yield "granted"
            if any(not rights <= has.get(grantee, frozenset()) for grantee, rights in had.items()):
                yield "revoked"
        elif field in {"rls", "forced"}:
            yield f"{field} {'on' if new in {'t', 'true'} else 'off'}"
        elif field == "dropped":
            yield "dropped"
        elif field in _RENAMED:
            yield _RENAMED[field]
        else:
            other = True
    if other:
        yield "altered"


def _granted(kind: str, acl: str | None) -> dict[str, frozenset[str]]:
    """The privileges of each grantee, from an access control list as text; who granted them does not matter."""
    if acl is None:
        return _UNSAID.get(kind, {})
    found: dict[str, frozenset[str]] = {}
    for item in _elements(acl):
        match = _ITEM.match(item)
        if match:
            rights = frozenset(match.group(2).replace("*", ""))
            found[match.group(1)] = found.get(match.group(1), frozenset()) | rights
    return found


def _elements(array: str) -> list[str]:
    """The elements of an array of Postgres's, as text."""
    found, current, quoted, escaped = [], "", False, False
    for letter in array[1:-1]:
        if escaped:
            current, escaped = current + letter, False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            found.append(current)
            current = ""
        else:
            current += letter
    return [*found, current]
