"""What a function that runs as its owner gets its caller beyond what is meant, how bad that is, and in which words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.policy.columns import INTEGERS
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import TRUE, And, Atom, AtomKind, Coalesce, Formula, Is, Not, Or, Written
from rlsaudit.policy.injected import injected_of
from rlsaudit.policy.parse import parse_node
from rlsaudit.policy.query import read_query
from rlsaudit.reach.indirect import TELLS_NOTHING
from rlsaudit.reach.meant import relation_meant
from rlsaudit.rules.by_chain import severity
from rlsaudit.rules.column_names import says_what_one_may
from rlsaudit.rules.row_keys import are_secret, is_key, owner_keys, takes_secret
from rlsaudit.rules.shown import beyond_table
from rlsaudit.rules.surely_led import surely_led
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.answers import Doing, Read, Write
    from rlsaudit.rules.by_chain import Opened
    from rlsaudit.rules.case import Case

_NUMBERS = frozenset({*INTEGERS, "numeric", "real", "double precision", "money"})
_MOST_COLUMNS = 6
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a persona gets by calling: at worst `severity`, in words `does`; `private` columns are shown.

    Where it is a statement after the call that gets it, that is what is `opened`.
    """

    persona: Persona
    operation: Operation
    severity: Severity
    does: str
    reach: Reach
    intended: Reach
    relation: Relation | None = None
    private: bool = False
    opened: Opened | None = None


def effects(case: Case, function: Function, doing: Doing | None, persona: Persona) -> Iterator[Effect]:
    """Yields what a function gets its caller that does not ask who that is."""
    if doing is None:
        return
    # Without an argument nothing comes from the caller: what is from outside of a statement is a variable.
    alone = not function.arguments
    if function.returns not in TELLS_NOTHING:
        for read in doing.reads:
            known = replace(read, keys=frozenset(), outside=False) if alone else read
            yield from _reading(case, function, known, persona, taken=_taken(doing))
    for write in doing.writes:
        yield from _writing(
            case,
            function,
            replace(write, keys=frozenset(), outside=False, given=False) if alone else write,
            persona,
        )


def _taken(doing: Doing) -> frozenset[tuple[str, ...]]:
    """The relations of which the function changes or deletes rows, as one does that takes them out of a queue."""
    return frozenset(one.relation for one in doing.writes if one.operation != "insert" and not one.given)


def in_spite(case: Case, function: Function, doing: Doing | None, persona: Persona) -> Iterator[Effect]:
    """Yields what a function gets its caller for certain that asks who that is."""
    if injected_of(function, case.asks):
        return
    identity = case.catalog.function_identity(function)
    hidden = surely_led(case, persona, _named(case, function, doing))
    led = {
        (oid, operation): reach
        for (oid, operation), reach in {**case.led[persona.name].get(identity, {}), **hidden.get(identity, {})}.items()
        if reach > case.intended(persona, relation := case.catalog.relations[oid], operation)
        and not _is_by_secret(case, persona, function, doing, relation, operation)
    }
    writes = doing.writes if doing is not None and function.arguments else ()
    named = ((relation_meant(case.catalog, function, one.relation), one) for one in writes)
    chosen = {found.oid for found, one in named if found is not None and (one.put or _raises(case, found, one))}
    told = set[tuple[int, Operation]]()
    for one in effects(case, function, doing, persona) if led else ():
        key = (one.relation.oid if one.relation is not None else 0, one.operation)
        if key in led:
            told.add(key)
            grave = _is_grave(one.operation, private=one.private, put=key[0] in chosen)
            level = one.severity if grave else min(one.severity, Severity.MEDIUM)
            yield replace(one, reach=led[key], severity=level)
    for (oid, operation), reach in led.items():
        relation = case.catalog.relations[oid]
        if (oid, operation) not in told:
            intended = case.intended(persona, relation, operation)
            grave = _is_grave(operation, private=bool(case.sensitive(relation, reader=persona)), put=oid in chosen)
            level = Severity.HIGH if grave else Severity.MEDIUM
            does = f"{_DOES[operation]} rows of others of {case.catalog.identity(relation)}"
            yield Effect(persona, operation, level, does, reach, intended, relation)


def _raises(case: Case, relation: Relation, write: Write) -> bool:
    """Whether it says anew what somebody may do: a number is only counted, or booked."""
    return any(
        one.name in write.columns and says_what_one_may(one.name) and one.type.partition("(")[0] not in _NUMBERS
        for one in case.catalog.columns[relation.oid]
    )


def afterwards(case: Case, opened: Sequence[Opened], persona: Persona) -> Iterator[Effect]:
    """Yields what a call gets its caller by a row that it makes for it: what policies ask of that lets it in then.

    A function that takes no arguments gives the same to whoever calls it, which may be what it is for, unless it says
    anew what somebody may do.
    """
    grouped: defaultdict[str, list[Opened]] = defaultdict(list)
    for one in opened:
        first = one.steps[0]
        table = case.catalog.identity(case.catalog.relations[first.relation])
        changes = f"changes {listed(list(first.columns)) or 'rows'} in {table}"
        grouped[f"puts rows into {table}" if first.inserts else changes].append(one)
    for does, several in grouped.items():
        names = [f"{one.cell.operation.value} of {case.catalog.identity(one.relation)}" for one in several]
        more = len(names) - _MOST_NAMED
        named = names if more <= 0 else [*names[:_MOST_NAMED], f"{more} more"]
        for one in several:
            cell, first = one.gained, one.steps[0]
            level = severity(case, one.relation, cell)
            if first.sql.endswith("()") and not any(map(says_what_one_may, first.columns)):
                level = min(level, Severity.MEDIUM)
            opens = f"{does} for its caller, and so opens {listed(named)}"
            yield Effect(persona, cell.operation, level, opens, cell.at_least, cell.intended, one.relation, opened=one)


_DOES = {
    Operation.SELECT: "shows",
    Operation.INSERT: "puts in",
    Operation.UPDATE: "changes",
    Operation.DELETE: "deletes",
}


def _is_grave(operation: Operation, *, private: bool, put: bool) -> bool:
    """Whether it cannot well be meant for whoever is signed in, by a function that asks who that is.

    To count, to send and to book is what such functions are for: they show rows of others, put in rows for others and
    change a number in them.
    """
    match operation:
        case Operation.SELECT:
            return private
        case Operation.UPDATE:
            return put
        case _:
            return operation is Operation.DELETE


def _named(case: Case, function: Function, doing: Doing | None) -> list[Relation]:
    """The relations that the body names, exposed or not."""
    if doing is None:
        return []
    names = {name for one in doing.reads for name, _ in one.shown} | {one.relation for one in doing.writes}
    found = (relation_meant(case.catalog, function, name) for name in names)
    return [one for one in found if one is not None and one.kind in "rp"]


def _is_by_secret(
    case: Case, persona: Persona, function: Function, doing: Doing | None, relation: Relation, operation: Operation
) -> bool:
    """Whether it takes a secret of the row to get there, as a link in a mail has one: that is what it is for."""
    if doing is None:
        return False
    if operation is Operation.SELECT:
        keys = [
            one.keys
            for one in doing.reads
            if any(relation_meant(case.catalog, function, name) == relation for name, _ in one.shown)
        ]
    else:
        keys = [
            one.keys | one.behind
            for one in doing.writes
            if one.operation == operation.value and relation_meant(case.catalog, function, one.relation) == relation
        ]
    return bool(keys) and all(are_secret(case, persona, function, one) for one in keys)


def _reading(
    case: Case, function: Function, read: Read, persona: Persona, *, taken: frozenset[tuple[str, ...]]
) -> Iterator[Effect]:
    for name in sorted({one for one, _ in read.shown}):
        relation = relation_meant(case.catalog, function, name)
        if relation is None or not _owner_passes(case, function, relation, Operation.SELECT):
            continue
        intended = case.intended(persona, relation, Operation.SELECT)
        keyed = any(is_key(case, relation_meant(case.catalog, function, table), column) for table, column in read.keys)
        reach = _rows(case, persona, read, relation, keyed=keyed)
        if reach <= intended:
            continue
        named = {column for table, column in read.shown if table == name}
        columns = [one.name for one in case.catalog.columns[relation.oid] if named & {"*", one.name}]
        sensitive = case.sensitive(relation, columns, persona)
        private = bool(sensitive) or any(
            case.intent.names_owner(one) or case.intent.names_tenant(one) for one in columns
        )
        telling = [*sensitive, *(one for one in columns if one not in sensitive)][:_MOST_COLUMNS]
        what = f"rows of {case.catalog.identity(relation)} ({', '.join(telling)})"
        if keyed:
            level = Severity.MEDIUM if private else Severity.LOW
            anybodys = case.is_auth(relation) or owner_keys(case, function, read)
            if sensitive and anybodys and not are_secret(case, persona, function, read.keys):
                # Ids of users stand in half of the application's rows.
                level = Severity.HIGH
            does = f"gives {what} {_to_whom(case, function, read)}"
        elif read.outside:
            level = Severity.HIGH if private else Severity.MEDIUM
            does = f"gives {what} for whatever the caller asks, so an argument that fits everything gives them all"
        else:
            open_handed = Severity.MEDIUM if read.filtered else Severity.HIGH
            level = Severity.CRITICAL if private else open_handed
            whose = ", whoever's they are," if case.owner_columns(relation) else ""
            does = f"hands out {what}{whose.removesuffix(',')}"
            if name in taken:
                does = f"takes {what}{whose} as from a queue, and hands them out"
        yield Effect(persona, Operation.SELECT, level, does, reach, intended, relation, bool(sensitive))


def _to_whom(case: Case, function: Function, read: Read) -> str:
    """To whom rows are given that are looked up by a key: one that says whose they are may be anybody's id."""
    if whose := owner_keys(case, function, read):
        return f"of whomever the caller names ({listed(whose)})"
    return f"to whoever names the right {listed(sorted({one for _, one in read.keys}))}"


def _rows(case: Case, persona: Persona, read: Read, relation: Relation, *, keyed: bool) -> Reach:
    """How far the query gets beyond the rows that the relation itself gives: a key gives the row that it names."""
    direct = case.addressed(persona, relation, Operation.SELECT)
    visible = None if keyed else _visible(case, persona, read, relation)
    if visible is not None:
        bounds = decide(visible)
        if bounds.decided:
            beyond = beyond_table(case, persona, relation, visible)
            # All rows are more than some, though what comes on top of these is no more than some, either.
            wider = bounds.at_least > direct or beyond > case.intended(persona, relation, Operation.SELECT)
            return bounds.at_least if wider else Reach.NONE
    reach = Reach.SOME if keyed or read.filtered else Reach.ALL
    return reach if reach > direct else Reach.NONE


def _visible(case: Case, persona: Persona, read: Read, relation: Relation) -> Formula | None:
    """The condition of a query over one table, with whatever compares with an argument taken as met."""
    query = read_query(read.sql)
    source = case.catalog.relations_by_name.get(query.source) if query is not None and query.source else None
    if query is None or not query.plain or source is None or source.oid != relation.oid or relation.kind not in "rp":
        return None
    if query.where is None:
        return TRUE
    scope = replace(case.predicates.scope(persona, relation), relation=query.alias)
    return _granting(parse_node(query.where, scope)) if read.outside else parse_node(query.where, scope)


def _granting(formula: Formula) -> Formula:
    match formula:
        case Atom(AtomKind.OPAQUE, text) if "select" not in text.lower():
            return TRUE
        case Not(operand):
            return Not(_granting(operand))
        case And(operands):
            return And(tuple(_granting(one) for one in operands))
        case Or(operands):
            return Or(tuple(_granting(one) for one in operands))
        case Coalesce(operands):
            return Coalesce(tuple(_granting(one) for one in operands))
        case Is(operand, value, negated):
            return Is(_granting(operand), value, negated)
        case Written(meant):
            return _granting(meant)
        case _:
            return formula


def _writing(case: Case, function: Function, write: Write, persona: Persona) -> Iterator[Effect]:
    relation = relation_meant(case.catalog, function, write.relation)
    operation = Operation(write.operation)
    if relation is None or not _owner_passes(case, function, relation, operation):
        return
    intended = case.intended(persona, relation, operation)
    reach = Reach.ALL if operation is Operation.INSERT or not write.filtered else Reach.SOME
    if reach <= intended or reach <= case.addressed(persona, relation, operation):
        return
    identity = case.catalog.identity(relation)
    owners = case.owner_columns(relation)
    if operation is Operation.INSERT:
        named = [one for one in owners if write.columns & {"*", one}]
        if owners and not named:
            # The column's default may well be who calls.
            return
        secret = takes_secret(case, persona, function, write)
        level = Severity.HIGH if named and write.given and not secret else Severity.MEDIUM
        whose = " for whoever knows a row's secret" if secret else ""
        yield Effect(persona, operation, level, f"inserts rows into {identity}{whose}", reach, intended, relation)
        return
    level, which = _change(case, persona, function, write)
    verb = "deletes" if operation is Operation.DELETE else "changes"
    yield Effect(persona, operation, level, f"{verb} {which} of {identity}", reach, intended, relation)


def _change(case: Case, persona: Persona, function: Function, write: Write) -> tuple[Severity, str]:
    """How bad an UPDATE or DELETE is that anybody can cause, and which rows it is about."""
    deletes = write.operation == "delete"
    if takes_secret(case, persona, function, write):
        return Severity.MEDIUM, "the row whose secret the caller knows"
    if any(is_key(case, relation_meant(case.catalog, function, table), column) for table, column in write.keys):
        harmful = deletes or write.given or any(map(says_what_one_may, write.columns))
        return Severity.HIGH if harmful else Severity.MEDIUM, "whatever row the caller names"
    if write.outside:
        return Severity.CRITICAL if write.given and not deletes else Severity.HIGH, "whatever rows the caller names"
    if write.filtered:
        # Like a nightly job: it does what it would do anyway.
        return Severity.CRITICAL if write.given else Severity.MEDIUM, "rows"
    return Severity.CRITICAL if deletes or write.given else Severity.HIGH, "all rows"


def _owner_passes(case: Case, function: Function, relation: Relation, operation: Operation) -> bool:
    """Whether the function's owner holds the privilege, with no policy in the way."""
    privilege = operation.value.upper()
    held = case.access.columns(function.owner, relation, privilege) or case.access.on_table(
        function.owner, relation, privilege
    )
    return bool(held) and not case.access.rls_applies(function.owner, relation)
