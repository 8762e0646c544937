"""A table's columns as values of a predicate: which values may stand there, as far as the catalog tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, ConstrType

from rlsaudit.policy import tree
from rlsaudit.policy.scalar import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column as Fact
    from rlsaudit.catalog.facts import Relation

TEXTS = frozenset({"text", "character varying"})
INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
"""The integers, and the first number that is too large for each."""
EXACT = TEXTS | INTEGERS.keys() | {"boolean", "uuid", "enum"}
"""Types of which two values are equal just where the server writes them alike."""
COLLATED = " collate "
"""Stands in a type's name before a collation by which texts are equal that are written differently."""
_KINDS = {"e": "enum", "d": "domain", "c": "composite"}
_MODIFIERS = re.compile(r"\((\d+)(?:,-?\d+)?\)")


def describe(catalog: Catalog, relation: Relation) -> Mapping[str, Column]:
    """Returns the columns of `relation` by name."""
    facts = catalog.columns[relation.oid]
    texts = {one.number for one in facts if _plain(one) in TEXTS}
    limited = _bounded(catalog, relation)
    listed: dict[int, frozenset[str]] = {}
    constraints = catalog.constraints[relation.oid]
    unchecked = is_elsewhere(catalog, relation)
    for constraint in constraints:
        columns = set(constraint.columns)
        lone_text = constraint.kind == "c" and len(columns) == 1 and columns <= texts - listed.keys() and not unchecked
        values = listed_values(constraint.definition) if lone_text else None
        if values is not None:
            listed |= dict.fromkeys(columns, values)
        elif constraint.kind == "c":
            # Keys and exclusion constraints limit no row by itself.
            limited |= columns
    below = _nullable_below(catalog, relation)
    older = _nullable_before(catalog, relation)
    return {
        one.name: Column(
            number=one.number,
            name=one.name,
            boolean=_plain(one) == "boolean",
            nullable=unchecked or not one.not_null or one.name in below or one.number in older,
            # A domain or a generated column limits what may stand there in ways not followed.
            free=one.type_kind in "be"
            and not one.generated
            and one.number not in limited
            and ("(" not in one.type or _longest(one) is not None),
            allowed=listed.get(one.number),
            type=_plain(one),
            longest=_longest(one),
            declared=one.type if one.collation is None else f"{one.type}{COLLATED}{one.collation}",
        )
        for one in facts
    }


def _bounded(catalog: Catalog, relation: Relation) -> set[int]:
    """The columns that the bounds of partitions may limit."""
    every = {one.number for one in catalog.columns[relation.oid]}
    if relation.kind == "r" and not relation.partition:
        return set()
    if relation.kind != "p" or relation.partition:
        return every
    names = {one.name: one.number for one in catalog.columns[relation.oid]}
    asked = {one.definition for one in catalog.constraints[relation.oid]}
    bounded: set[int] = set()
    for part in (relation, *_below(catalog, relation)):
        here = {one.number: one.name for one in catalog.columns[part.oid]}
        more = any(one.kind == "c" and one.definition not in asked for one in catalog.constraints[part.oid])
        if more or not here.keys() >= set(part.partition_key):
            return every
        bounded |= {names[here[number]] for number in part.partition_key}
    return bounded


def _below(catalog: Catalog, relation: Relation) -> Iterator[Relation]:
    for oid in catalog.children[relation.oid]:
        if oid in catalog.relations:
            yield catalog.relations[oid]
            yield from _below(catalog, catalog.relations[oid])


def _nullable_below(catalog: Catalog, relation: Relation) -> set[str]:
    """Names of columns that are nullable in a child: its rows are the parent's too."""
    found: set[str] = set()
    waiting, seen = list(catalog.children[relation.oid]), set[int]()
    while waiting:
        child = waiting.pop()
        if child not in seen:
            seen.add(child)
            older = _nullable_before(catalog, catalog.relations[child]) if child in catalog.relations else set()
            found |= {one.name for one in catalog.columns[child] if not one.not_null or one.number in older}
            waiting.extend(catalog.children[child])
    return found


def _nullable_before(catalog: Catalog, relation: Relation) -> set[int]:
    """Columns that are NOT NULL for new rows alone, by number."""
    return {number for one in catalog.constraints[relation.oid] if one.kind == "n" for number in one.columns}


def is_elsewhere(catalog: Catalog, relation: Relation) -> bool:
    """Whether rows of the relation are kept by another server: what is said of them is not checked by this one."""
    waiting, seen = [relation.oid], set[int]()
    while waiting:
        oid = waiting.pop()
        found = catalog.relations.get(oid)
        if found is not None and found.kind == "f":
            return True
        if oid not in seen:
            seen.add(oid)
            waiting.extend(catalog.children[oid])
    return False


def listed_values(definition: str) -> frozenset[str] | None:
    """Returns the values that a constraint like `CHECK (status IN ('a', 'b'))` allows, None for any other."""
    checked = check_of(definition)
    return None if checked is None else _items(checked)


def check_of(definition: str) -> tree.Node | None:
    """Returns what a CHECK constraint asks of every row, children's rows among them; None where it does not."""
    parsed = tree.statements(f"alter table x add {definition}")
    if not parsed or len(parsed) != 1 or not isinstance(parsed[0], ast.AlterTableStmt):
        return None
    commands = parsed[0].cmds or ()
    constraint = commands[0].def_ if len(commands) == 1 else None
    if not isinstance(constraint, ast.Constraint) or constraint.contype != ConstrType.CONSTR_CHECK:
        return None
    # Not valid: rows may break it. Not inherited: rows of children may.
    if constraint.is_no_inherit or not constraint.initially_valid or not constraint.is_enforced:
        return None
    return constraint.raw_expr


def _items(node: tree.Node) -> frozenset[str] | None:
    if not isinstance(node, ast.A_Expr) or tree.name(node.name) != ("=",):
        return None
    if not isinstance(_uncast(node.lexpr), ast.ColumnRef):
        return None
    if node.kind == A_Expr_Kind.AEXPR_OP:
        found: tuple[tree.Node, ...] = (node.rexpr,)
    elif node.kind == A_Expr_Kind.AEXPR_OP_ANY and isinstance(_uncast(node.rexpr), ast.A_ArrayExpr):
        found = _uncast(node.rexpr).elements or ()
    else:
        return None
    constants = [_uncast(one) for one in found]
    # A NULL in the list lets everything through.
    if not all(isinstance(one, ast.A_Const) and isinstance(one.val, ast.String) for one in constants):
        return None
    return frozenset(one.val.sval or "" for one in constants)


def _uncast(node: tree.Node) -> tree.Node:
    """What is below casts to text, which change no value; any other cast stays."""
    while isinstance(node, ast.TypeCast) and tree.target(node) in TEXTS and not tree.modified(node):
        node = node.arg
    return node


def _plain(fact: Fact) -> str:
    if fact.collation is not None:
        # Two of its values are equal that are not written alike.
        return "?"
    return _KINDS.get(fact.type_kind, _MODIFIERS.sub("", fact.type) if fact.type_kind == "b" else "?")


def _longest(fact: Fact) -> int | None:
    """How many characters fit into a varchar; of other types no modifier is followed."""
    modifiers = _MODIFIERS.search(fact.type)
    return int(modifiers[1]) if modifiers and _plain(fact) == "character varying" else None
