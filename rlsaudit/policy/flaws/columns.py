"""Comparisons of columns that cannot be meant: with itself, or of ids of different things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind

from rlsaudit.policy import tree
from rlsaudit.policy.expr import Call, Expr, Field, walk
from rlsaudit.policy.flaws.flaw import Kind
from rlsaudit.policy.flaws.things import thing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.flaws.clause import Clause
    from rlsaudit.policy.flaws.flaw import Flaw
    from rlsaudit.policy.flaws.things import Thing
    from rlsaudit.policy.proof.tables import Tables
    from rlsaudit.policy.tree import Node

_MOST_SUBQUERIES = 50
_OF_FILES = {("storage", "extension"), ("storage", "filename"), ("storage", "foldername")}
"""Functions of Supabase's that take a file's name apart."""


def shadowed(clause: Clause) -> Iterator[Flaw]:
    """Yields equalities of a subquery's column with itself, where the row has a column of that name.

    `where m.org = org` means `m.org = m.org`, and so the server writes it. With them the name of something else that
    `storage.foldername(name)` takes apart: what a file belongs to stands in the file's own.
    """
    names = {one.name for one in clause.access.catalog.columns[clause.relation.oid]}
    files = names >= {"bucket_id", "name"}
    links = [one for one in tree.walk(clause.node) if isinstance(one, ast.SubLink)]
    # Each is gone through with all that are in it.
    for link in links if len(links) <= _MOST_SUBQUERIES else ():
        inner = {_alias(one) for one in tree.relations(link.subselect)}
        if _asks_the_row(link, inner):
            # It is told which row it is about all the same.
            continue
        for one in tree.walk(_conditions(link.subselect)):
            if files and isinstance(one, ast.FuncCall) and tree.name(one.funcname) in _OF_FILES:
                match [_parts(each) for each in one.args or ()]:
                    case [(table, "name")] if table in inner:
                        yield clause.flaw(
                            Kind.SHADOWED_COLUMN,
                            f"takes the name of {table} apart, so that the file's own name is not asked for",
                            where=one,
                        )
                    case _:
                        pass
            if not isinstance(one, ast.A_Expr) or one.kind != A_Expr_Kind.AEXPR_OP or tree.name(one.name) != ("=",):
                continue
            match _parts(one.lexpr), _parts(one.rexpr):
                case (table, column), same if (table, column) == same and table in inner and column in names:
                    yield clause.flaw(
                        Kind.SHADOWED_COLUMN,
                        f"compares {column} of {table} with itself, so that the row's own {column} is not asked for",
                        where=one,
                    )
                case _:
                    pass


def wrong(clause: Clause) -> Iterator[Flaw]:
    """Yields equalities of ids that foreign keys say are ids of different things."""
    written = clause.written
    if written is None:
        return
    seen = set[frozenset[Field]]()
    for one in walk(written):
        pair = _fields(one)
        if pair is None or frozenset(pair) in seen:
            continue
        seen.add(frozenset(pair))
        left, right = pair
        things = _different(clause.reading.outcomes.tables, left, right)
        if things is not None:
            catalog = clause.access.catalog
            names = [catalog.identity(catalog.relations[relation]) for relation, _ in things]
            yield clause.flaw(
                Kind.WRONG_COLUMN,
                f"compares {left.name}, an id of {names[0]}, with {right.name}, an id of {names[1]}",
            )


def _asks_the_row(link: Node, inner: set[str]) -> bool:
    """Whether a subquery, or what it is compared with, names any column of the row around it."""
    if any(isinstance(one, ast.ColumnRef) for one in tree.walk(link.testexpr)):
        return True
    named = (_parts(one) for one in tree.walk(link.subselect) if isinstance(one, ast.ColumnRef))
    # A column, behind its table.
    return any(not parts[:-1] or parts[-2] not in inner for parts in named)


def _conditions(select: Node) -> list[Node]:
    """WHERE and ON of a query and of those in it."""
    found: list[Node] = []
    for one in tree.walk(select):
        if isinstance(one, ast.SelectStmt) and one.whereClause is not None:
            found.append(one.whereClause)
        if isinstance(one, ast.JoinExpr) and one.quals is not None:
            found.append(one.quals)
    return found


def _alias(relation: Node) -> str:
    return str(relation.alias.aliasname if relation.alias else relation.relname)


def _parts(node: Node) -> tuple[str, ...]:
    while isinstance(node, ast.TypeCast):
        node = node.arg
    if not isinstance(node, ast.ColumnRef):
        return ()
    fields = node.fields or ()
    parts = tuple(one.sval or "" for one in fields if isinstance(one, ast.String))
    return parts if len(parts) == len(fields) else ()


def _fields(expression: Expr) -> tuple[Field, Field] | None:
    if not isinstance(expression, Call) or expression.name != "=":
        return None
    match tuple(map(_plain, expression.args)):
        case (Field() as left, Field() as right):
            return left, right
        case _:
            return None


def _plain(expression: Expr) -> Expr:
    while isinstance(expression, Call) and expression.name == "::text":
        (expression,) = expression.args
    return expression


def _different(tables: Tables, left: Field, right: Field) -> tuple[Thing, Thing] | None:
    """Which two things the ids are of, None unless that is sure.

    A key of users and a key that points at nothing may be the same ids, written there by the application: a profile's
    is often its user's, an account's its owner's, and nothing says so.
    """
    a, b = thing(tables, (left.relation, left.number)), thing(tables, (right.relation, right.number))
    if a is None or b is None or a[0] == b[0]:
        return None
    if tables.users in {a, b}:
        return None
    for other, field in ((b, right), (a, left)):
        # The key of its own table: that it is another's as well, nothing would say.
        if other == (field.relation, field.number) and not _made_here(tables, other):
            return None
    return a, b


def _made_here(tables: Tables, key: Thing) -> bool:
    fact = tables.fact(*key)
    return fact is not None and (fact.default or fact.identity)
