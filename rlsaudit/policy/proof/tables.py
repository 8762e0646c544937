"""What the catalog says of the rows that the solver may choose: types, constraints, keys, defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pglast import ast

from rlsaudit.catalog.platform import USERS
from rlsaudit.names import qualified
from rlsaudit.policy import tree
from rlsaudit.policy.columns import INTEGERS
from rlsaudit.policy.expr import Expr, Field, Type, walk
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.afresh import Solved, always, never
from rlsaudit.policy.proof.put_in import Made, Picked
from rlsaudit.policy.proof.sign_up import SignUp
from rlsaudit.policy.proof.stored import is_told, stored
from rlsaudit.policy.proof.values import Codes, Family, Term, family
from rlsaudit.policy.read.constraints import checks, references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rlsaudit.catalog.facts import Column as Fact
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.scalar import Column


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the values of `columns` are found in the columns `others` of one row of the relation `to`."""

    columns: tuple[Fact, ...]
    to: int
    others: tuple[Field, ...]


Thing: TypeAlias = tuple[int, int]
"""What an id is the id of: the column that all keys lead to, as relation and number."""
_EMPTY = re.compile(r"'(?:\{\}|\[\])'")
"""A default that holds nothing."""
_USER_ID = ("auth", "uid")
_SETTING = ("current_setting",)
_SUBJECT = re.compile(r"'request\.jwt\.claim(s'.*'sub|\.sub)'|\bauth\.uid\(\)", re.DOTALL)
_ROWS = re.compile(r"\bfrom\b", re.IGNORECASE)


class Tables:
    """Facts about the tables of one database, looked up once for all predicates."""

    def __init__(self, database: Database, *, picks: bool = True) -> None:
        self._database = database
        self._columns: dict[int, dict[int, Column]] = {}
        self._checks: dict[int, tuple[tuple[frozenset[int], Expr], ...]] = {}
        self._references: dict[int, tuple[Reference, ...]] = {}
        self.catalog = database.catalog
        self._sign_up = SignUp(database.catalog, picks=picks)
        own = [one for one in self.catalog.snapshot.types if one.schema in self.catalog.schemas]
        names = {one: qualified(self.catalog.schemas[one.schema].name, one.name) for one in own}
        self.all_labels = {names[one]: one.labels for one in own if one.labels}
        self.bases = {names[one]: one.base.partition("(")[0] for one in own if one.base is not None}

    def labels(self, kind: Type) -> tuple[str, ...]:
        """Returns the labels of an enumeration, none where they are not known."""
        return self.all_labels.get(kind.name, ())

    def column(self, relation: int, number: int) -> Column | None:
        """Returns a column as a value of predicates, None where it is not known."""
        if relation not in self._columns:
            found = self.catalog.relations.get(relation)
            columns = self._database.columns(found).values() if found is not None else ()
            self._columns[relation] = {one.number: one for one in columns}
        return self._columns[relation].get(number)

    def fact(self, relation: int, number: int) -> Fact | None:
        """Returns a column as the catalog has it."""
        return next((one for one in self.catalog.columns[relation] if one.number == number), None)

    def limits(self, column: Field, term: Term, codes: Codes) -> Iterator[Solved]:
        """Yields what is true of every value of the column that is not NULL."""
        allowed = self.allowed(column)
        if allowed is not None and family(column.type) is Family.NAME:
            yield z3.Or(term.null, *(term.value == codes.of(one) for one in allowed))
        most = INTEGERS.get(column.type.name)
        if most is not None and family(column.type) is Family.WHOLE:
            yield z3.And(term.value >= -most, term.value < most)

    def allowed(self, column: Field) -> tuple[str, ...] | None:
        """Returns the few values that a column has, by its CHECK or its type, in order; None where it has others."""
        known = self.column(column.relation, column.number)
        if known is not None and known.allowed is not None:
            return tuple(sorted(known.allowed))
        return tuple(sorted(self.labels(column.type))) or None

    def listed(self, expression: Expr) -> bool:
        """Whether an expression is a column that has a few values for everybody: an enumeration, a list in a CHECK."""
        if not isinstance(expression, Field):
            return False
        known = self.column(expression.relation, expression.number)
        return expression.type.kind == "e" or (known is not None and known.allowed is not None)

    def checks(self, relation: int, numbers: Collection[int]) -> Iterator[Expr]:
        """Yields what every row of the relation meets, of the conditions that ask about these columns and no others."""
        yield from (each for asked, each in self._conditions(relation) if asked <= set(numbers))

    def _conditions(self, relation: int) -> tuple[tuple[frozenset[int], Expr], ...]:
        if relation not in self._checks:
            found = self.catalog.relations.get(relation)
            conditions = checks(self._database, found) if found is not None else ()
            self._checks[relation] = tuple(
                (frozenset(one.number for one in walk(each) if isinstance(one, Field)), each) for each in conditions
            )
        return self._checks[relation]

    def holds(self, relation: int, number: int, value: object) -> bool:
        """Whether the column can surely have this value: nothing limits it but its type, and what `checks` yields."""
        known, fact = self.column(relation, number), self.fact(relation, number)
        if known is None or fact is None or fact.generated or fact.type_kind not in "be":
            return False
        if isinstance(value, str) and known.longest is not None and len(value) > known.longest:
            return False
        if known.free:
            return True
        # What limits it must be a CHECK that can be evaluated, which is done elsewhere.
        limiting = [one for one in self.catalog.constraints[relation] if number in one.columns and one.kind == "c"]
        asked = [each for numbers, each in self._conditions(relation) if number in numbers]
        return bool(limiting) and len(asked) == len(limiting) and not self._parted(relation)

    def kind_of(self, column: Field) -> tuple[object, ...]:
        """Returns all that a proof may ask about a column of the row that it is about, but for its name."""
        known, fact = self.column(column.relation, column.number), self.fact(column.relation, column.number)
        if known is None or fact is None:
            return (column,)
        limits = tuple(each for asked, each in self._conditions(column.relation) if column.number in asked)
        keys = [one for one in self.references(column.relation) if fact in one.columns]
        pointing = tuple((one.to, one.others[0].number) for one in keys)
        # What is limited is limited by words about its own table, as is what only several columns tell together.
        several = len(keys) > 1 or any(len(one.columns) > 1 for one in keys)
        alone = (column.relation, column.number) if limits or not known.free or several else ()
        return (column.type, known.nullable, known.free, known.allowed, known.longest, fact.generated, pointing, alone)

    def thing(self, relation: int, number: int) -> Thing | None:
        """Returns what a uuid in the column is the id of, None where that is not known."""
        here, seen = (relation, number), set[Thing]()
        while here not in seen:
            seen.add(here)
            fact = self.fact(*here)
            if fact is None or fact.type != "uuid":
                return None
            targets = {
                (one.to, one.others[0].number)
                for one in self.references(here[0])
                if len(one.columns) == 1 and one.columns[0].number == here[1]
            }
            if not targets:
                return here if frozenset({here[1]}) in self.keys(here[0]) else None
            here = min(targets)
        return None

    def filled_at_sign_up(self, relation: int) -> bool:
        """Whether whoever signs up is given a row there, by a trigger on the table of users."""
        return self._sign_up.fills(relation)

    def picked_at_sign_up(self, column: Field) -> bool:
        """Whether whoever signs up may say itself what a column of its row holds."""
        return self._sign_up.picked(column.relation, column.name)

    def surely_filled(self, relation: int, columns: Collection[Field]) -> bool:
        """The same where it is known as well what these columns get."""
        return self._sign_up.fills(relation) and all(map(self._is_told, columns))

    def _is_told(self, column: Field) -> bool:
        """Whether it is known what a row that signing up makes holds in a column, or that no other row holds it."""
        fact = self.fact(column.relation, column.number)
        values = self._sign_up.values(column.relation, column.name)
        if fact is None or fact.generated or not values.isdisjoint({Made.ANYTHING, Made.PERHAPS}):
            return False
        constants = {one for one in values if isinstance(one, str)}
        if Made.DEFAULT in values and fact.default and fact.constant is None:
            return self._alone(fact)
        if Made.DEFAULT in values and fact.constant is not None:
            constants.add(fact.constant)
        return all(is_told(one, fact.type, column.type) for one in constants)

    def unset_at_sign_up(self, column: Field) -> bool:
        """Whether a row that signing up makes holds NULL in a column, as nothing is put there."""
        fact = self.fact(column.relation, column.number)
        left = self._sign_up.values(column.relation, column.name) == {Made.DEFAULT}
        return left and fact is not None and not fact.default and not fact.generated

    def is_users(self, thing: Thing) -> bool:
        """Whether what it is the id of is a user: by key, or as whoever signs up is given one, or by what policies say.

        Many a table of profiles has no key that leads to `auth.users`; its policies compare its ids with `auth.uid()`.
        """
        relation, number = thing
        if thing == self.users or self.filled_at_sign_up(relation):
            return True
        fact = self.fact(relation, number)
        texts = [text for one in self.catalog.policies[relation] for text in (one.using, one.check) if text]
        return fact is not None and any(self._is_compared_with_user(text, fact.name) for text in texts)

    def _is_compared_with_user(self, text: str, column: str) -> bool:
        """Whether a condition says somewhere `column = auth.uid()`."""
        for one in tree.walk(tree.expression(text)):
            if isinstance(one, ast.A_Expr) and tree.name(one.name) == ("=",):
                for side, other in ((one.lexpr, one.rexpr), (one.rexpr, one.lexpr)):
                    last = (side.fields or (None,))[-1] if isinstance(side, ast.ColumnRef) else None
                    if getattr(last, "sval", "") == column and self._is_user(other):
                        return True
        return False

    def _is_user(self, node: tree.Node) -> bool:
        """Whether an expression is the id of whoever asks: the claim, or what a function makes of that alone."""
        calls = {tree.name(one.funcname) for one in tree.walk(node) if isinstance(one, ast.FuncCall)}
        return calls == {_USER_ID} or (
            bool(calls) and all(_tells_user(tree.text(node) if one == _SETTING else self._body(one)) for one in calls)
        )

    def _body(self, name: tuple[str, ...]) -> str:
        found = self.catalog.functions_by_name[name[0], name[-1]]
        return found[0].body if len(found) == 1 and not found[0].arguments else ""

    def belongs(self, relation: int, beside: int | None = None) -> bool:
        """Whether rows of the relation belong to something beside a user: an organisation, a project.

        They point at it, or its id is one of several in their key. That they point at the relation `beside` does not
        count.
        """
        pointing = {
            one.columns[0].number: self.thing(one.to, one.others[0].number)
            for one in self.references(relation)
            if len(one.columns) == 1
        }
        left = {one.columns[0].number for one in self.references(relation) if one.to == beside}
        users = {number for number, thing in pointing.items() if thing == self.users} | left
        others = {number for number, thing in pointing.items() if thing is not None} - users
        if any(self._is_id(relation, number) for number in others):
            return True
        return any(
            len([number for number in key if self._is_id(relation, number)]) > 1
            and any(self._is_id(relation, number) for number in key - users)
            for key in self.keys(relation)
        )

    def _is_id(self, relation: int, number: int) -> bool:
        fact = self.fact(relation, number)
        return fact is not None and fact.not_null and (fact.type == "uuid" or fact.type in INTEGERS)

    @property
    def users(self) -> Thing | None:
        """What a user's id is the id of."""
        found = self.catalog.relations_by_name.get(USERS)
        number = next((one.number for one in self.catalog.columns[found.oid] if one.name == "id"), 0) if found else 0
        return (found.oid, number) if found is not None and number else None

    def keys(self, relation: int) -> tuple[frozenset[int], ...]:
        """Returns the columns of which no two rows have the same values."""
        if self._parted(relation) or self.catalog.children[relation]:
            return ()
        return tuple(frozenset(one.columns) for one in self.catalog.constraints[relation] if one.kind in "pu")

    def primary_key(self, relation: int) -> frozenset[int]:
        """Returns the columns of the primary key, none where there is none."""
        return frozenset(n for one in self.catalog.constraints[relation] if one.kind == "p" for n in one.columns)

    def excludes(self, relation: int) -> bool:
        """Whether an exclusion constraint may keep two rows of the relation from being there together."""
        found = [one for each in (relation, *self.catalog.children[relation]) for one in self.catalog.constraints[each]]
        return any(one.kind == "x" for one in found)

    def _parted(self, relation: int) -> bool:
        found = self.catalog.relations.get(relation)
        return found is None or found.partition or found.kind == "p"

    def references(self, relation: int) -> tuple[Reference, ...]:
        """Returns the foreign keys of a relation that surely hold."""
        if relation not in self._references:
            self._references[relation] = tuple(self._found_references(relation))
        return self._references[relation]

    def _found_references(self, relation: int) -> Iterator[Reference]:
        found = self.catalog.relations.get(relation)
        for one in references(self._database, found) if found is not None else ():
            columns = [self.fact(relation, number) for number in one.columns]
            others = [self.fact(one.relation, number) for number in one.foreign_columns]
            if any(each is not None and each.collation is not None for each in (*columns, *others)):
                # The row that is pointed at may be written differently.
                continue
            if None not in columns and None not in others:
                yield Reference(
                    tuple(each for each in columns if each is not None),
                    one.relation,
                    tuple(_field(each) for each in others if each is not None),
                )

    def ordinary(self, column: Field, term: Term, codes: Codes, named: Collection[int]) -> Solved | None:
        """Returns what the column is in a row that nobody took special care of; None where that may be anything.

        Its default, where that is a constant; where there is none, a value that no policy names: whoever gave a user
        such a row gave it `role = 'admin'` on purpose.
        """
        fact = self.fact(column.relation, column.number)
        if fact is None or fact.generated:
            return None
        possible: list[Solved] = []
        for one in self._sign_up.values(column.relation, column.name):
            match one:
                case Made.PERHAPS:
                    continue
                case Made.DEFAULT:
                    value = self._by_default(fact, column, term, codes, named)
                case Picked(otherwise=True):
                    value = z3.Not(term.null)
                case Made() | Picked():
                    value = None
                case _:
                    value = stored(one, fact.type, column.type, term, codes)
            if value is None:
                return None
            possible.append(value)
        return z3.Or(possible)

    def _by_default(self, fact: Fact, column: Field, term: Term, codes: Codes, named: Collection[int]) -> Solved | None:
        if fact.constant is not None:
            return stored(fact.constant, fact.type, column.type, term, codes)
        if fact.default or family(column.type) is not Family.NAME:
            return None
        known = self.column(column.relation, column.number)
        values = known.allowed if known is not None and known.allowed is not None else self.labels(column.type)
        special = sorted(named)
        if values and {codes.of(one) for one in values} <= set(named):
            return None
        return z3.Or(term.null, z3.And([term.value != one for one in special]))

    def common(self, column: Field, term: Term, codes: Codes) -> tuple[Solved, Solved]:
        """Returns where the column's value is that of many rows, and where it may be.

        Rows that nobody took special care of have their defaults in common: that of those which signing up makes is
        everybody's, of others it may be. What computes a value may compute the same for many.
        """
        fact = self.fact(column.relation, column.number)
        if fact is None:
            return never(), never()
        if family(column.type) in {Family.TRUTH, Family.MOMENT} or self.listed(column):
            return always(), never()
        if fact.generated or self._describes(fact):
            return never(), always()
        shared, doubtful = never(), never()
        values = self._sign_up.values(column.relation, column.name)
        everybody = self.filled_at_sign_up(column.relation) and Made.PERHAPS not in values
        for one in values - {Made.PERHAPS}:
            constant_ = fact.constant if one is Made.DEFAULT else one
            if one is Made.ALONE or (one is Made.DEFAULT and self._alone(fact)):
                continue
            value = None
            if isinstance(constant_, str):
                value = stored(constant_, fact.type, column.type, term, codes)
            if value is None:
                doubtful = always()
            elif everybody:
                shared = z3.Or(shared, value)
            else:
                doubtful = z3.Or(doubtful, value)
        return shared, doubtful

    def _describes(self, fact: Fact) -> bool:
        """Whether a column says what something is like, and not what it belongs to: of a user his city, not his team.

        It is no id, and stands where a user has one row, or in rows that are of no user. Of those who have a city in
        common none is the other's; of a membership, of which a user may have several, each column may say of what.
        """
        if fact.type == "uuid" or any(fact in one.columns for one in self.references(fact.relation)):
            return False
        keys = self.keys(fact.relation)
        if any(fact.number in one for one in keys) or not any(len(one) == 1 for one in keys):
            return False
        leading = {
            one.columns[0].number
            for one in self.references(fact.relation)
            if len(one.columns) == 1 and self._leads_to_users(one)
        }
        return not leading or any(frozenset({one}) in keys for one in leading)

    def _leads_to_users(self, reference: Reference) -> bool:
        thing = self.thing(reference.to, reference.others[0].number)
        return thing is not None and self.is_users(thing)

    def _alone(self, fact: Fact) -> bool:
        """Whether a column's default is no value that rows have in common."""
        if fact.identity or not fact.default or (fact.constant is not None and _EMPTY.match(fact.constant)):
            return True
        pointing = any(fact in one.columns for one in self.references(fact.relation))
        made = fact.type == "uuid" and not pointing
        return fact.constant is None and (made or frozenset({fact.number}) in self.keys(fact.relation))


def _tells_user(text: str) -> bool:
    """Whether what SQL makes of the request is the user's id, and of no table."""
    return _SUBJECT.search(text) is not None and _ROWS.search(text) is None


def _field(fact: Fact) -> Field:
    name = fact.type.partition("(")[0]
    return Field(0, fact.relation, fact.number, fact.name, Type(name, fact.type_kind), nullable=not fact.not_null)
