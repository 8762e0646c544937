"""A chain that was tried, in terms of the row that is asked for: the same steps for whichever row that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import UUID, Given, Who
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.afresh import always, never
from rlsaudit.policy.proof.values import Family, Term, family, unnamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.policy.expr import Field, Type
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.proof.chained import ChainedEncoder
    from rlsaudit.policy.proof.makings import Writing
    from rlsaudit.policy.proof.steps import Tried
    from rlsaudit.policy.proof.values import Row


class Template:
    """The rows of a chain in terms of the row that is asked for, and of the persona."""

    def __init__(self, encoder: ChainedEncoder, model: z3.ModelRef) -> None:
        self._encoder = encoder
        self._model = model
        self._me = encoder.codes.of(encoder.own["sub"]) if "sub" in encoder.own else None

    def is_own(self, row: Row) -> bool:
        """Whether a row was there as ordinary users have one, or was made by the chain."""
        return self._holds(z3.Or(row.mine, self._encoder.was_made(row)))

    def fits(self, row: Row, statement: Writing) -> bool:
        """Returns whether the row can be made for every stranger's row: under a new key, pointing at what is there."""
        tables, columns = self._encoder.tables, dict(self._columns(row))
        changed = set(columns) if statement.inserts else set(columns) - statement.kept
        for key in tables.keys(row.relation):
            if key <= columns.keys() and key & changed and not any(self._is_me(columns[one][1]) for one in key):
                return False
        for reference in tables.references(row.relation):
            for own, other in zip(reference.columns, reference.others, strict=True):
                if own.number not in changed:
                    continue
                term = columns[own.number][1]
                if self._holds(term.null) or self._is_me(term):
                    continue
                source = self._of_target(*columns[own.number])
                if source is None or not self._is_there(source, reference.to, other.number):
                    return False
        return True

    def _is_there(self, source: Field, relation: int, number: int) -> bool:
        """Whether what the target's column says is surely found in a column of another relation."""
        if (source.relation, source.number) == (relation, number):
            return True
        return any(
            reference.to == relation and own.number == source.number and other.number == number
            for reference in self._encoder.tables.references(source.relation)
            for own, other in zip(reference.columns, reference.others, strict=True)
        )

    def put(self, encoder: ChainedEncoder, found: Tried, count: int) -> bool:
        """Puts the first rows of the chain into another encoder, without those that were changed; whether it failed."""
        rows = [row for row, _ in found.rows[:count]]
        replaced = {self._encoder.made[row].before for row, way in found.rows[:count] if not way.writing.inserts}
        return any(self.row(encoder, row, there=always()) is None for row in rows if row not in replaced)

    def row(self, encoder: ChainedEncoder, row: Row, *, there: Solved) -> Row | None:
        """Puts a row into another encoder; None where its values cannot be told there."""
        columns: list[tuple[Field, Term]] = []
        for column, term in self._columns(row).values():
            told = self._told(encoder, column, term)
            if told is None:
                return None
            columns.append((column, told))
        return encoder.put(row.relation, columns, there=there)

    def sent(self, encoder: ChainedEncoder, step: int) -> dict[tuple[Who, str], Term]:
        """Returns what comes along with a statement, in another encoder; without what cannot be told there."""
        found = {}
        for key, (term, kind) in self._encoder.passing.get(step, {}).items():
            if key[0] is Who.ARGUMENT:
                told = self._in_words(encoder, kind, term, self._like_target(kind, term))
                if told is not None:
                    found[key] = told
        return found

    def _told(self, encoder: ChainedEncoder, column: Field, term: Term) -> Term | None:
        source = self._of_target(column, term)
        if (column.nullable or not self._holds(term.null)) and not (
            source is not None and source.nullable and not column.nullable and not self._is_me(term)
        ):
            return self._in_words(encoder, column.type, term, source)
        return None

    def _in_words(self, encoder: ChainedEncoder, type_: Type, term: Term, source: Field | None) -> Term | None:
        """A value of the model in another encoder: NULL, the persona, what a column of the target has, a constant."""
        kind = family(type_)
        if self._holds(term.null):
            return Term(self._model.eval(term.value, model_completion=True), always())
        if self._is_me(term):
            return encoder.term(Given(Who.IDENTITY, "sub", UUID, nullable=False), ())
        if source is not None:
            return encoder.column(encoder.target, source)
        if kind is Family.OTHER:
            return None
        value = self._model.eval(term.value, model_completion=True)
        if kind is Family.NAME:
            code = value.as_long()
            text = self._encoder.codes.text(code)
            value = z3.IntVal(encoder.codes.of(unnamed(code) if text is None else text))
        return Term(value, never())

    def _of_target(self, column: Field, term: Term) -> Field | None:
        """The target's column that a value is the value of."""
        known = self._encoder.tables.column(column.relation, column.number)
        return None if known is None or not known.free else self._like_target(column.type, term)

    def _like_target(self, kind: Type, term: Term) -> Field | None:
        """The target's column of a type that has a value of the model."""
        if family(kind) not in {Family.NAME, Family.WHOLE}:
            return None
        for source, other in self._encoder.columns_of(self._encoder.target):
            if source.type == kind and not self._holds(other.null):
                value = self._model.eval(term.value, model_completion=True)
                fresh = family(kind) is Family.WHOLE or self._encoder.codes.text(value.as_long()) is None
                if fresh and self._holds(value == other.value):
                    return source
        return None

    def _columns(self, row: Row) -> Mapping[int, tuple[Field, Term]]:
        return {column.number: (column, term) for column, term in self._encoder.columns_of(row)}

    def _is_me(self, term: Term) -> bool:
        return (
            self._me is not None
            and z3.is_int(term.value)
            and self._holds(z3.And(z3.Not(term.null), term.value == self._me))
        )

    def _holds(self, term: Solved) -> bool:
        return bool(z3.is_true(self._model.eval(term, model_completion=True)))
