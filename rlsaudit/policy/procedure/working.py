"""Temporary tables that a body makes for its own use: nobody else's rows are in them, but for those it puts there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import ConstrType, ObjectType

from rlsaudit.policy import tree
from rlsaudit.policy.procedure.declared import is_built_in
from rlsaudit.policy.procedure.fragments import NotFollowedError

if TYPE_CHECKING:
    from rlsaudit.policy.tree import Node

_TEMPORARY = "t"
_SCHEMA = "pg_temp"
_PLAIN = frozenset(
    {ConstrType.CONSTR_NULL, ConstrType.CONSTR_NOTNULL, ConstrType.CONSTR_DEFAULT, ConstrType.CONSTR_CHECK}
    | {ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_UNIQUE}
)

STATEMENTS = ast.CreateStmt | ast.CreateTableAsStmt | ast.DropStmt | ast.IndexStmt
"""What may make such tables, do away with them, or be about them."""


def tables(statement: Node) -> tuple[str, ...]:
    """Returns the names of the tables that a statement makes, drops or indexes: temporary ones, if no others have them.

    Raises:
        NotFollowedError: it is about others, or brings more along than columns of built-in types.
    """
    match statement:
        case ast.CreateStmt(inhRelations=None, partbound=None, partspec=None, ofTypename=None):
            if all(map(_is_plain, statement.tableElts or ())) and statement.accessMethod is None:
                return (_made(statement.relation),)
        case ast.CreateTableAsStmt(objtype=ObjectType.OBJECT_TABLE, query=ast.SelectStmt(intoClause=None)):
            into: Node = statement.into
            return (_made(into.rel),)
        case ast.DropStmt(removeType=ObjectType.OBJECT_TABLE):
            return tuple(_named([one.sval or "" for one in each]) for each in statement.objects or ())
        case ast.IndexStmt():
            relation: Node = statement.relation
            return (_named([one for one in (relation.schemaname, relation.relname) if one]),)
        case _:
            pass
    raise NotFollowedError(f"a statement that is not followed: {type(statement).__name__}")


def takes_what_is_there(statement: Node) -> bool:
    """Whether a statement makes no table where one of the name is there already."""
    return isinstance(statement, ast.CreateStmt | ast.CreateTableAsStmt) and bool(statement.if_not_exists)


def _made(name: Node) -> str:
    if name.relpersistence != _TEMPORARY and name.schemaname != _SCHEMA:
        raise NotFollowedError("a statement that makes a table that stays")
    return _named([one for one in (name.schemaname, name.relname) if one])


def _named(parts: list[str]) -> str:
    """A name without a schema: where no other table has it, it is a temporary one's or an error."""
    if len(parts) > 1 and parts[:-1] != [_SCHEMA]:
        raise NotFollowedError("a statement about a table that stays")
    return parts[-1]


def _is_plain(element: Node) -> bool:
    """Whether an element of a definition is a column, or a constraint, that looks at nothing but its own row."""
    match element:
        case ast.ColumnDef():
            written: Node = element.typeName
            kind = ".".join(tree.name(written.names))
            return is_built_in(kind.removeprefix("pg_catalog.")) and all(map(_is_plain, element.constraints or ()))
        case ast.Constraint():
            return element.contype in _PLAIN
        case _:
            return False
