"""What a statement that failed would have made or changed, as far as its text tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pglast import ast, parse_sql
from pglast.parser import ParseError
from pglast.visitors import Visitor

from rlsaudit.migrations.split import first_words
from rlsaudit.model import ObjectRef
from rlsaudit.names import ident, qualified

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_CHARACTERS = 200_000
"""Longer ones are data, and the parser needs many times their size."""

_CODE = (ast.DoStmt, ast.CallStmt)
_READS = (ast.SelectStmt,)


_ROWS = frozenset({"insert", "update", "delete", "copy", "merge", "truncate"})


def rows_only(statement: str) -> bool:
    """Whether a statement changes rows and nothing else, triggers aside."""
    return not _ROWS.isdisjoint(first_words(statement, 1))


def touched(statement: str) -> tuple[tuple[ObjectRef, ...], bool]:
    """Returns the objects that a statement names, and whether there may be others that it does not name."""
    if len(statement) > MOST_CHARACTERS:
        return (), True
    try:
        parsed = parse_sql(statement)
    except (ParseError, RecursionError, ValueError):
        return (), True
    found: dict[ObjectRef, None] = {}
    opaque = False
    for raw in parsed or ():
        node = raw.stmt
        if isinstance(node, (*_CODE, *_READS)):
            # A function that is called may do anything.
            opaque = True
        for ref in _direct(node) or _relations(node):
            found.setdefault(ref)
    return tuple(found), opaque


def _direct(node: Any) -> list[ObjectRef]:  # noqa: ANN401  pglast has no types
    match node:
        case ast.CreatePolicyStmt() | ast.AlterPolicyStmt():
            table = _relation(node.table)
            return [ObjectRef("policy", f"{table.identity}.{ident(str(node.policy_name))}"), table]
        case ast.CreateFunctionStmt():
            return [ObjectRef("function", qualified(*_names(node.funcname or ())))]
        case ast.ViewStmt():
            return [ObjectRef("view", _relation(node.view).identity)]
        case ast.CreateStmt() | ast.CreateTrigStmt() | ast.RuleStmt() | ast.IndexStmt() | ast.AlterTableStmt():
            return [_relation(node.relation)]
        case ast.CreateSchemaStmt() if node.schemaname:
            return [ObjectRef("schema", ident(node.schemaname))]
        case ast.CreateRoleStmt():
            return [ObjectRef("role", ident(str(node.role)))]
        case ast.CreatePublicationStmt() | ast.AlterPublicationStmt():
            return [ObjectRef("publication", ident(str(node.pubname))), *_relations(node)]
        case ast.CreateExtensionStmt():
            return [ObjectRef("extension", ident(str(node.extname)))]
        case _:
            return []


def _relations(node: Any) -> list[ObjectRef]:  # noqa: ANN401  as above
    found: list[ObjectRef] = []

    class Ranges(Visitor):
        def visit_RangeVar(self, _ancestors: object, one: Any) -> None:  # noqa: ANN401, N802  pglast's names
            found.append(_relation(one))

    Ranges()(node)
    return found


def _relation(node: Any) -> ObjectRef:  # noqa: ANN401  as above
    return ObjectRef("table", qualified(node.schemaname or "public", node.relname))


def _names(parts: Sequence[Any]) -> list[str]:
    names = [str(one.sval) for one in parts]
    return names if len(names) > 1 else ["public", *names]
