"""Calls by which a function leaves the database: requests, connections, files, with what its caller gives it.

The beginning of an address says whose it is: what is added to a constant one is nobody else's server. Of a path and of
a connection string every part counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.body import fragment
from rlsaudit.policy.injected import Given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.asked import Asks
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


@dataclass(frozen=True, slots=True)
class Handed:
    """A call that hands something of the caller's on: `name` is what is called, `arguments` are the function's own."""

    name: tuple[str, ...]
    arguments: frozenset[str]


def handed_by(function: Function, asks: Asks, leaves: Callable[[tuple[str, ...]], bool]) -> tuple[Handed, ...]:
    """Returns the calls of a body that hand an argument on to the outside, unasked.

    Args:
        function: The function.
        asks: Whether a function of the project's asks who is calling.
        leaves: Whether a name that is one of those above means the function that it is known for.
    """
    given = Given(function, asks)
    found: list[Handed] = []
    for piece in given.pieces:
        for call in tree.walk(fragment(piece.sql) or ()) if not piece.asked.who else ():
            name = tree.name(call.funcname) if isinstance(call, ast.FuncCall) else ()
            if not name or name[-1] not in REQUESTS | CONNECTIONS | FILES or not leaves(name):
                continue
            begins = name[-1] in REQUESTS
            texts = (given.raw(one, piece, begins=begins) for one in _handed(name[-1], call.args or ()))
            arguments = frozenset().union(*texts)
            if arguments:
                found.append(Handed(name, arguments))
    return tuple(found)


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
