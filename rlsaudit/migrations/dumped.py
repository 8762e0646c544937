"""Statements of a dump, by who may run them where somebody else's database is rebuilt.

A superuser runs only what runs nothing of the database's own: grants and owners, and what is put together afresh from
names. Everything else can call a function of the database's (an immutable one in a constraint is called while the
statement is planned), and so is for a role that is no superuser.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pglast import ast, enums, parse_sql
from pglast.parser import ParseError

from rlsaudit.migrations.touched import MOST_CHARACTERS
from rlsaudit.names import ident

if TYPE_CHECKING:
    from rlsaudit.migrations.split import Statement


class Part(enum.Enum):
    """Who runs a statement, and when."""

    BUILT = "built"
    """The builder, in its turn."""
    OWNED = "owned"
    """A superuser, in its turn: an owner, or what only a superuser may make and has been put together from names."""
    GRANTED = "granted"
    """A superuser, at the end: grants, default privileges, the owners of schemas, and whose grants they are."""
    LEFT_OUT = "left out"
    """Nobody: it has been done already, or has no part in who reaches what."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """A statement as it is to be run; `leakproof` is whether its function still has to be called so."""

    statement: Statement
    part: Part
    sql: str
    leakproof: bool = False


_LEFT_OUT = (
    ast.AlterEventTrigStmt,
    ast.AlterPublicationStmt,
    ast.CommentStmt,
    ast.CreateEventTrigStmt,
    ast.CreateExtensionStmt,
    ast.CreatePublicationStmt,
    ast.CreateSchemaStmt,
    ast.CreateUserMappingStmt,
)
_GRANTED = (ast.AlterDefaultPrivilegesStmt, ast.GrantStmt)
_UNOWNED = frozenset(
    {
        enums.ObjectType.OBJECT_EVENT_TRIGGER,
        enums.ObjectType.OBJECT_FDW,
        enums.ObjectType.OBJECT_LANGUAGE,
        enums.ObjectType.OBJECT_PUBLICATION,
    }
)
"""What is left out, or belongs to superusers alone."""
_WITHHELD = frozenset({enums.ObjectType.OBJECT_FDW, enums.ObjectType.OBJECT_PARAMETER_ACL})
"""What is given to nobody: to connect to elsewhere, and to set what only superusers may."""
_LEAKPROOF = re.compile(r"(\n    LANGUAGE [^\n]*?) LEAKPROOF\b")


def dumped(statement: Statement) -> Dumped:
    """Returns what is to be done with a statement that `pg_dump` wrote."""
    node = _only(statement.sql)
    part, sql = Part.BUILT, statement.sql
    match node:
        case ast.VariableSetStmt() if node.name == "session_authorization":
            part = Part.GRANTED
        case ast.AlterOwnerStmt() if node.objectType in _UNOWNED:
            part = Part.LEFT_OUT
        case ast.AlterOwnerStmt():
            part = Part.GRANTED if node.objectType == enums.ObjectType.OBJECT_SCHEMA else Part.OWNED
        case ast.AlterTableStmt() if all(one.subtype == enums.AlterTableType.AT_ChangeOwner for one in node.cmds or ()):
            part = Part.OWNED
        case ast.CreateFdwStmt():
            # Without its handler: nothing is behind it that could be asked.
            part, sql = Part.OWNED, f"create foreign data wrapper {ident(str(node.fdwname))}"
        case ast.CreateForeignServerStmt():
            # Without its options, among them the place that it is.
            name, wrapper = ident(str(node.servername)), ident(str(node.fdwname))
            part, sql = Part.OWNED, f"create server {name} foreign data wrapper {wrapper}"
        case ast.GrantStmt() if node.objtype in _WITHHELD:
            part = Part.LEFT_OUT
        case ast.CreateFunctionStmt() if _is_leakproof(node):
            quiet = _LEAKPROOF.sub(r"\1", sql, count=1)
            again = _only(quiet)
            if isinstance(again, ast.CreateFunctionStmt) and not _is_leakproof(again):
                return Dumped(statement, part, quiet, leakproof=True)
        case _ if isinstance(node, _GRANTED):
            part = Part.GRANTED
        case _ if isinstance(node, _LEFT_OUT):
            part = Part.LEFT_OUT
    return Dumped(statement, part, sql)


def _only(sql: str) -> Any:  # noqa: ANN401  pglast has no types
    """The one statement that a text is; None where it is none, or several, or the parser does not know it."""
    if len(sql) > MOST_CHARACTERS:
        return None
    try:
        parsed = parse_sql(sql)
    except (ParseError, RecursionError, ValueError):
        return None
    return parsed[0].stmt if len(parsed or ()) == 1 else None


def _is_leakproof(node: Any) -> bool:  # noqa: ANN401  as above
    return any(one.defname == "leakproof" for one in node.options or ())
