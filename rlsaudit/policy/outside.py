"""Calls by which a function leaves the database: requests, connections, files, with what its caller gives it.

The beginning of an address says whose it is: what is added to a constant one is nobody else's server. But where the
request comes with a key, its path says what the key is used for. Of a file's path and of a connection string every part
counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.body import fragment
from rlsaudit.policy.injected import Given, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.asked import Asks, Piece
    from rlsaudit.policy.poses import Named
    from rlsaudit.policy.tree import Node

REQUESTS = frozenset({"http", "http_delete", "http_get", "http_head", "http_patch", "http_post", "http_put"})
"""Functions of extensions that send a request to an address."""
CONNECTIONS = frozenset(
    {"dblink", "dblink_connect", "dblink_connect_u", "dblink_exec", "dblink_open", "dblink_send_query"}
)
"""Functions of an extension that connect to another database, or run a text there."""
FILES = frozenset({"lo_export", "lo_import", "pg_ls_dir", "pg_read_binary_file", "pg_read_file", "pg_stat_file"})
"""Functions of Postgres's own that read or write files of the server."""
_ADDRESSES = ("url", "uri")
_KEY = re.compile(r"\b(authorization|bearer|(x-)?api-?key)\b", re.IGNORECASE)
"""What stands in the headers of a request that comes with a key."""
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Handed:
    """A call that hands something of the caller's on: `name` is what is called, `arguments` are the function's own.

    `keyed` is whether that is the path of a request with a key, to an address that is not the caller's.
    """

    name: tuple[str, ...]
    arguments: frozenset[str]
    keyed: bool = False


def handed_by(
    function: Function,
    asks: Asks,
    leaves: Callable[[tuple[str, ...]], bool],
    named: Named = lambda _: (),
    depth: int = 0,
) -> tuple[Handed, ...]:
    """Returns the calls of a body that hand an argument on to the outside, unasked.

    Args:
        function: The function.
        asks: Whether a function of the project's asks who is calling.
        leaves: Whether a name that is one of those above means the function that it is known for.
        named: The functions of the project's that a name may mean: what is handed to them may go further.
        depth: How many functions are around.
    """
    given = Given(function, asks)
    found: list[Handed] = []
    for piece in given.pieces:
        for call in tree.walk(fragment(piece.sql) or ()) if not piece.asked.who else ():
            name = tree.name(call.funcname) if isinstance(call, ast.FuncCall) else ()
            if name and name[-1] in REQUESTS | CONNECTIONS | FILES and leaves(name):
                found.extend(_outside(given, piece, call, name))
            elif name and depth < _DEEPEST:
                below = (one for one in named(name) if one.oid != function.oid)
                found.extend(
                    handed
                    for one in below
                    for inner in handed_by(one, asks, leaves, named, depth + 1)
                    if (handed := _through(given, piece, call, one, inner)).arguments
                )
    return tuple(dict.fromkeys(found))


def _outside(given: Given, piece: Piece, call: Node, name: tuple[str, ...]) -> Iterator[Handed]:
    places = tuple(_handed(name[-1], call.args or ()))
    part = Part.BEGINNING if name[-1] in REQUESTS else Part.ANY
    arguments = frozenset[str]().union(*(given.raw(one, piece, part) for one in places))
    if arguments:
        yield Handed(name, arguments)
    elif name[-1] in REQUESTS and any(_KEY.search(text) for text in given.constants(call.args or ())):
        arguments = frozenset[str]().union(*(given.raw(one, piece, Part.PATH) for one in places))
        if arguments:
            yield Handed(name, arguments, keyed=True)


def _through(given: Given, piece: Piece, call: Node, function: Function, inner: Handed) -> Handed:
    """What goes the same way by way of another function."""
    names = [one.name for one in function.parameters if one.mode in "ibv"]
    part = Part.ANY if inner.keyed or inner.name[-1] not in REQUESTS else Part.BEGINNING
    arguments: frozenset[str] = frozenset()
    for position, one in enumerate(call.args or ()):
        named = isinstance(one, ast.NamedArgExpr)
        own = one.name if named else names[position] if position < len(names) else ""
        if (own or f"${position + 1}") in inner.arguments:
            arguments |= given.raw(one.arg if named else one, piece, part)
    return Handed(inner.name, arguments, inner.keyed)


def _handed(name: str, arguments: tuple[Node, ...]) -> Iterator[Node]:
    """The arguments that say where a call goes."""
    if name not in REQUESTS:
        yield from (one.arg if isinstance(one, ast.NamedArgExpr) else one for one in arguments)
        return
    for position, one in enumerate(arguments):
        match one:
            case ast.NamedArgExpr(name=named, arg=value):
                if named in _ADDRESSES:
                    yield value
            case _ if position == 0:
                # `http` takes a row, of which the address is the second field.
                row = tree.uncast(one)
                parts = tuple(row.args or ()) if isinstance(row, ast.RowExpr) else ()
                yield parts[1] if len(parts) > 1 else one
            case _:
                pass
