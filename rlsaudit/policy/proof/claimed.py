"""Chains of which all is known: what the solver finds possible is narrowed to what can be claimed, and then tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import Who
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.afresh import always
from rlsaudit.policy.proof.values import Family, family

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rlsaudit.policy.expr import Field
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.proof.chained import ChainedEncoder, Made, Way
    from rlsaudit.policy.proof.makings import Writing
    from rlsaudit.policy.proof.tables import Tables
    from rlsaudit.policy.proof.values import Row, Term


def claimed(encoder: ChainedEncoder) -> Iterator[Solved]:
    """Yields that rows were made in ways of which all is known."""
    before = {row: z3.And(row.there, z3.Not(encoder.was_made(row))) for row in encoder.rows}
    for made in encoder.made.values():
        yield z3.Not(made.other)
        if len(made.ways) > 1:
            yield z3.AtMost(*(one.holds for one in made.ways), 1)
        known = {column.number for column, _ in encoder.columns_of(made.row)}
        changed = set[int]()
        for way in made.ways:
            if not _is_all_known(encoder, made, way.writing, known):
                yield z3.Not(way.holds)
                continue
            changed |= known if way.writing.inserts else known - way.writing.kept
            if way.writing.called is not None:
                yield from _takes_no_secret(encoder, way)
        yield from _names_nothing(encoder, made, before, changed)


def _is_all_known(encoder: ChainedEncoder, made: Made, writing: Writing, known: set[int]) -> bool:
    """Whether a statement surely goes through where what it asks is met, and all is known of the row that it makes."""
    if writing.doubt or not known <= writing.settable | writing.kept:
        return False
    if writing.called is not None and writing.called.others & {row.relation for row in encoder.rows}:
        # What else the same call writes there may be what keeps it out again.
        return False
    if not writing.inserts:
        return True
    # The row may be there since signing up, or have a value that is not known.
    signed_up = encoder.tables.filled_at_sign_up(made.row.relation)
    return not signed_up and not _computes(encoder, made.row, writing.kept)


def _takes_no_secret(encoder: ChainedEncoder, way: Way) -> Iterator[Solved]:
    """Yields that a call is sent nothing that only rows tell: the code of an invitation is what one has to know.

    The persona knows itself and the rows that it changes, ids that are numbers, which can be counted through, and those
    of the row that is asked for and of what that points at, unless the call looks for a row of the same table by it.
    """
    tables, own = encoder.tables, encoder.own.get("sub")
    own_rows = {made.before for made in encoder.made.values()}
    target = encoder.columns_of(encoder.target)
    ids = [(family(column.type), term) for column, term in target if _is_id(tables, column)]
    for (who, _), (sent, kind) in encoder.passing.get(way.step, {}).items():
        if who is not Who.ARGUMENT or not z3.is_int(sent.value):
            continue
        # Texts have codes, which are no numbers.
        known = [] if own is None or family(kind) is not Family.NAME else [sent.value == encoder.codes.of(own)]
        for row in encoder.rows:
            if row in own_rows:
                continue
            there = [way.holds, row.there, z3.Not(encoder.was_made(row))]
            apart = row.target or row.relation != encoder.target.relation
            told = [*known, *(_same(sent, one) for of, one in ids if of is family(kind))] if apart else known
            for column, term in encoder.columns_of(row):
                if _has_to_be_known(tables, column, term, itself=row.target):
                    found = told if _is_id(tables, column) else known
                    yield z3.Implies(z3.And(*there, _same(sent, term)), z3.Or(found))


def _has_to_be_known(tables: Tables, column: Field, term: Term, *, itself: bool) -> bool:
    """Whether a value is one that is not found by trying; `itself`: an id of the row that is asked for is known."""
    if not z3.is_int(term.value) or tables.listed(column):
        return False
    is_id = _is_id(tables, column)
    return not (is_id and (itself or family(column.type) is Family.WHOLE))


def _is_id(tables: Tables, column: Field) -> bool:
    """Whether a column says which row it is, or which one it points at."""
    pointing = {one.number for reference in tables.references(column.relation) for one in reference.columns}
    return column.number in pointing or column.number in tables.primary_key(column.relation)


def _same(one: Term, other: Term) -> Solved:
    return z3.And(z3.Not(one.null), z3.Not(other.null), one.value == other.value)


def _computes(encoder: ChainedEncoder, row: Row, kept: frozenset[int]) -> bool:
    """Whether a column that is asked for, and cannot be set, has a default that is computed."""
    for column, _ in encoder.columns_of(row):
        fact = encoder.tables.fact(column.relation, column.number)
        computed = fact is None or fact.generated or fact.identity or (fact.default and fact.constant is None)
        if column.number in kept and computed:
            return True
    return False


def _names_nothing(
    encoder: ChainedEncoder, made: Made, before: Mapping[Row, Solved], changed: Collection[int]
) -> Iterator[Solved]:
    """That a row is not given the name of something that is there, where no foreign key tells that it is taken."""
    tables, row = encoder.tables, made.row
    pointing = {one.number for reference in tables.references(row.relation) for one in reference.columns}
    for column, term in encoder.columns_of(row):
        number = column.number
        if number not in changed or number in pointing or frozenset({number}) not in tables.keys(row.relation):
            continue
        new, part = encoder.newly_named(made, {number: term}), encoder.parts.get((row, number))
        for equality in encoder.equalities:
            for here, there in ((equality.left, equality.right), (equality.right, equality.left)):
                if part is not None and part in here.rows and not there.identity:
                    old = [before.get(encoder.whole(one), always()) for one in there.rows if one != part]
                    yield z3.Implies(z3.And(new, equality.holds), z3.Not(z3.Or(old)))
