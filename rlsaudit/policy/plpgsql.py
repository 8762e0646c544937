"""The text of function bodies, before SQL's own parser sees it: plpgsql as pglast's JSON, standard SQL bodies."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pglast

from rlsaudit.names import ident
from rlsaudit.policy import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG = "$rlsaudit$"
_DECLARED = re.compile(
    r"""(?P<name>(?:^|;|\bdeclare\b)\s*(?!declare\b)(?:\w+|"[^"]+")\s+(?:constant\s+)?)  # a variable
    (?:(?:\w+|"[^"]+")\.)+(?:\w+|"[^"]+")(?P<row>%\w+)?(?:\[\])?  # declared as a type of some schema
    (?=\s*(?:;|:=|=|default\b|not\s+null\b))""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_DECLARATIONS = re.compile(r"\bdeclare\b.*?\bbegin\b", re.IGNORECASE | re.DOTALL)
DECLARES = re.compile(r"\bdeclare\b", re.IGNORECASE)
"""Names of a body's own, aliases among them, which pglast does not tell: they hide parameters that are called so."""
_ATOMIC = re.compile(r"\s*BEGIN ATOMIC\b(.*)\bEND\s*;?\s*", re.DOTALL | re.IGNORECASE)
_RETURN = re.compile(r"\s*RETURN\b(.*?);?\s*", re.DOTALL | re.IGNORECASE)


def plain(body: str) -> str:
    """Returns a standard SQL body (`BEGIN ATOMIC … END`, `RETURN …`) as plain statements, any other as it is."""
    if atomic := _ATOMIC.fullmatch(body):
        return atomic[1]
    if returned := _RETURN.fullmatch(body):
        return f"select {returned[1]}"
    return body


def parsed(body: str, parameters: tuple[str, ...], name: str = "f") -> Any:  # noqa: ANN401 — JSON
    """Returns a plpgsql body as pglast's JSON, None where it is not understood, whatever the function returns.

    `name` is the function's, by which a body may call its parameters: `select … into f.role`.
    """
    # The parser knows no types but the built-in ones, and what a variable is declared as does not matter here.
    simpler = _DECLARATIONS.sub(lambda part: _DECLARED.sub(lambda one: _as_built_in(one, body), part[0]), body)
    bodies = dict.fromkeys((body, simpler))
    declared = ", ".join(f"{ident(one)} text" for one in dict.fromkeys(parameters))
    returned = ", ".join(f"out {ident(one)} text" for one in dict.fromkeys(parameters))
    # The result decides what RETURN may be followed by: a trigger's body and a set's parse under one of these.
    heads = [f"({declared}) returns {result}" for result in ("trigger", "setof record", "record", "void")]
    heads += [f"({returned}) returns setof {'record' if len(set(parameters)) > 1 else 'text'}"] if parameters else []
    for text in bodies:
        for head in heads:
            found = parsed_under(head, text, name=name)
            if found is not None:
                return found
    return None


def _as_built_in(declared: re.Match[str], body: str) -> str:
    """A variable as a record where a field of it is asked for, which an enumeration or a domain does not have."""
    name = re.sub(r"^(?:;|declare\b)?\s*|\s+constant\s*$", "", declared["name"].strip(), flags=re.IGNORECASE).strip()
    fields = re.search(rf"(?<![\w.]){re.escape(name)}\s*\.", body, re.IGNORECASE) is not None
    whole = (declared["row"] or "").lower() == "%rowtype"
    return f"{declared['name']} {'record' if fields or whole else 'text'}"


def parsed_under(head: str, body: str, kind: str = "function", name: str = "f") -> Any:  # noqa: ANN401 — JSON
    """Returns a body as pglast's JSON, given the parameters and result in `head`; None where it is not understood."""
    if len(body) > tree.MOST_CHARACTERS or _TAG in body:
        return None
    try:
        return pglast.parse_plpgsql(f"create {kind} {ident(name)}{head} language plpgsql as {_TAG}{body}{_TAG}")
    except (pglast.parser.ParseError, RecursionError, ValueError, json.JSONDecodeError):
        return None


def pairs(node: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 — JSON
    """Yields every key of pglast's JSON with its value, in no order."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            yield from current.items()
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)


def returned_query(body: str, parameters: tuple[str, ...]) -> str | None:
    """Returns the query of a body that is one RETURN QUERY, else None."""
    tree_of = parsed(body, parameters)
    if tree_of is None or DECLARES.search(body):
        return None
    try:
        statements = tree_of[0]["PLpgSQL_function"]["action"]["PLpgSQL_stmt_block"]["body"]
        query = statements[0]["PLpgSQL_stmt_return_query"]["query"]["PLpgSQL_expr"]["query"]
    except (KeyError, IndexError, TypeError):
        return None
    # The parser adds the RETURN at the end.
    alone = len(statements) == 1 or set(statements[1]) == {"PLpgSQL_stmt_return"}
    return query if alone and isinstance(query, str) else None
