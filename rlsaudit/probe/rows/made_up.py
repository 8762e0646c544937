"""Rows that could be there and are somebody else's, made up on paper: nothing is put in.

They hold what policies ask about: whose the row is, and the values that conditions name. Only rows that are surely
possible are made up: where policies look for other rows, none whose keys depend on which others there are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rlsaudit.names import ident
from rlsaudit.policy.body import body_of
from rlsaudit.policy.consulted import read_in
from rlsaudit.policy.expr import queries
from rlsaudit.policy.said import said
from rlsaudit.probe.rows.choices import Choices
from rlsaudit.probe.rows.combine import nearest
from rlsaudit.probe.rows.content import Content, Whose, kind_of
from rlsaudit.probe.rows.owners import owners_of
from rlsaudit.probe.rows.table import Table, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import JsonObject
    from rlsaudit.policy.expr import Expr
    from rlsaudit.probe.rows.model import Principal

MOST_ROWS = 12
"""So many rows of a table are made up."""
_MOST_VALUES = 6
_TIED_TO_OTHERS = frozenset("puxf")
"""Constraints by which a row can be there only if others are, or are not."""
_DOCUMENTS = frozenset({"json", "jsonb"})


class MadeUp:
    """Rows of one principal for the tables of one database.

    Args:
        catalog: The facts.
        principal: Whose the rows are: somebody of whom nothing in the database knows.
        asked: What policies ask, each behind the table (an OID) that it was read for.
    """

    def __init__(self, catalog: Catalog, principal: Principal, asked: Iterable[tuple[int, Expr]]) -> None:
        self._catalog = catalog
        self._principal = principal
        listed = list(asked)
        needed = {oid for oid, _ in listed}
        needed |= {key.foreign_relation for oid in needed for key in catalog.constraints[oid] if key.kind == "f"}
        self._tables = {
            oid: table_of(catalog, catalog.relations[oid]) for oid in sorted(needed) if oid in catalog.relations
        }
        content, texts = Content(catalog), said(condition for _, condition in listed)
        names = {oid: catalog.schema_name(one.relation) for oid, one in self._tables.items()}
        self._content = content
        self._whose = Whose(principal.mark, 1, 0)
        self._owners = owners_of(content, self._tables, texts, names)
        self._choices = Choices(content, texts, self._whose, {})

    def rows(self, relation: Relation, like: int, expression: Expr) -> tuple[JsonObject, ...]:
        """Returns rows by column as JSON, none where it is not sure that there could be any.

        Args:
            relation: The table.
            like: A table that differs from it in nothing that conditions mean (an OID): `expression` is read for it.
            expression: What policies ask.
        """
        table = self._tables[like]
        numbers = self._asked(relation)
        columns = [one for one in table.columns.values() if one.number in numbers]
        if relation.partition or any(one.generated for one in columns) or not columns:
            return ()
        keyed = {
            number
            for one in self._catalog.constraints[relation.oid]
            if one.kind in _TIED_TO_OTHERS
            for number in one.columns
        }
        if keyed & numbers and self._looks_elsewhere(relation, expression):
            return ()
        axes = [[(one, value) for value in self._values(table, one)] for one in columns]
        made = (self._row(table, picked) for picked in nearest(axes, MOST_ROWS))
        return tuple(one for one in made if one is not None)

    def holding(self, relation: Relation) -> tuple[str, ...]:
        """Returns what a table asks of its rows by itself, as conditions over the columns that are made up."""
        numbers = self._asked(relation)
        return tuple(check for check, columns in table_of(self._catalog, relation).checks if columns & numbers)

    def _asked(self, relation: Relation) -> frozenset[int]:
        """The columns that policies ask about, with those that conditions of the table tie to them."""
        policies = self._catalog.policies[relation.oid]
        whole = f"{ident(relation.name)}.*"
        if any(whole in (text or "") for one in policies for text in (one.using, one.check)):
            return frozenset(one.number for one in self._catalog.columns[relation.oid])
        found = {ref.column for one in policies for ref in one.columns if ref.relation == relation.oid} - {0}
        checks = [columns for _, columns in table_of(self._catalog, relation).checks]
        while more := {number for columns in checks if columns & found for number in columns} - found:
            found |= more
        return frozenset(found)

    def _looks_elsewhere(self, relation: Relation, expression: Expr) -> bool:
        """Whether what policies say of a row may depend on which other rows there are."""
        catalog = self._catalog
        policies = catalog.policies[relation.oid]
        if any(queries(expression)) or any(ref.relation != relation.oid for one in policies for ref in one.columns):
            return True
        waiting, seen = [oid for one in policies for oid in one.functions], set[int]()
        while waiting:
            oid = waiting.pop()
            function = catalog.functions.get(oid)
            if oid in seen or function is None or function.extension is not None:
                continue
            seen.add(oid)
            body = body_of(function)
            if not body.understood or body.dynamic or body.reads:
                return True
            names = {name[-1] for name in body.calls}
            waiting += [one.oid for one in catalog.snapshot.functions if one.name in names]
        return any(read_in(catalog, seen))

    def _values(self, table: Table, column: Column) -> list[str | None]:
        """What may stand in a column: of one that says whose the row is, what says that it is the principal's."""
        whose = self._owners.values(self._principal, table, column)
        if whose:
            return list(whose[:1])
        texts = self._choices.texts(table, column, self._whose)
        variants = self._choices.variants(table, column)[:_MOST_VALUES]
        nothing = () if column.not_null or not self._may_be_nothing(table, column) else (None,)
        return list(dict.fromkeys([*texts[:1], *variants, *nothing]))

    @staticmethod
    def _may_be_nothing(table: Table, column: Column) -> bool:
        """Whether a row without a value there is still somebody else's, and not nobody's."""
        return not any(column.number in key.columns for key in table.keys)

    def _row(self, table: Table, picked: Sequence[tuple[Column, str | None]]) -> JsonObject | None:
        values: Mapping[int, str | None] = {column.number: text for column, text in picked}
        if table.bounds:
            values = {**values, **table.bounds[0]}
        made: JsonObject = {}
        for number, text in values.items():
            column = table.columns[number]
            if text is not None and kind_of(self._content.base(column.type)).name in _DOCUMENTS:
                try:
                    made[column.name] = json.loads(text)
                except ValueError:
                    # What a condition compares a document's text with need not be one.
                    return None
                if made[column.name] is None:
                    return None
            else:
                made[column.name] = text
        return made
