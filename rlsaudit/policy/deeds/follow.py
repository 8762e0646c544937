"""A body, statement by statement: on which ways each is run, and what those ask of the state that it is called in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.model import Operation
from rlsaudit.policy import tree
from rlsaudit.policy.body import RUNS_SQL, Body, body_of
from rlsaudit.policy.deeds import dynamic, rows
from rlsaudit.policy.deeds.deed import ANY, ANY_TABLE, ANYHOW, NO, Change, Deed, Deeds, is_own_setting
from rlsaudit.policy.deeds.into import Into
from rlsaudit.policy.deeds.settled import settled, until
from rlsaudit.policy.deeds.shown import COUNTS, Shown, only_counts, values
from rlsaudit.policy.deeds.surely import Surely
from rlsaudit.policy.deeds.working import is_unshared
from rlsaudit.policy.expr import (
    TRUE,
    UNKNOWN,
    Aggregate,
    And,
    AnyRow,
    Expr,
    Field,
    Given,
    IsTrue,
    Lookup,
    Not,
    Opaque,
    Or,
    Who,
    is_larger,
    walk,
)
from rlsaudit.policy.helpers import PATH, own_names
from rlsaudit.policy.procedure import NotFollowed, conflict_of, paths
from rlsaudit.policy.procedure.declared import NotReadError, rewrite
from rlsaudit.policy.procedure.fragments import constant
from rlsaudit.policy.procedure.names import Conflict
from rlsaudit.policy.procedure.path import Calls, Computed, Dynamic, Makes, Reads, Returned, Sets, Writes
from rlsaudit.policy.proof import MOST_BOUNDED
from rlsaudit.policy.read import READERS, plpgsql, types
from rlsaudit.policy.read.aggregates import sums
from rlsaudit.policy.read.calls import inside
from rlsaudit.policy.read.here import Here, LostError, TooLargeError, Work
from rlsaudit.policy.read.junctions import conjunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.deeds.deed import Ground, Sure
    from rlsaudit.policy.procedure import Path
    from rlsaudit.policy.procedure.path import Bindings, Condition, Step
    from rlsaudit.policy.tree import Node
    from rlsaudit.policy.values import Scope

_SILENT = frozenset({"void", "boolean", "trigger", "event_trigger"})
_WRITES = {
    ast.InsertStmt: Operation.INSERT,
    ast.UpdateStmt: Operation.UPDATE,
    ast.DeleteStmt: Operation.DELETE,
}
_ROWS = ast.SelectStmt | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt
_MOST_GROUPS = 6
"""Statements of one sort about one relation; of more nothing is told but that they are there."""
_TABLES = frozenset("rpvmf")

Changes = frozenset[int] | None
"""Relations whose rows may have changed; None: any."""
_NONE: frozenset[int] = frozenset()
_SETTINGS = -1
"""Stands among changed relations for settings."""
_SETTABLE = frozenset({Who.SERVER, Who.CLIENT})


def deeds_of(
    function: Function,
    scope: Scope,
    ground: Ground,
    before: Changes,
    reach: Callable[[Expr, int], bool],
    given: tuple[str, ...] = (),
) -> Deeds | None:
    """Returns all that the body of a function does by itself; None where it is not followed.

    Args:
        function: Whose body it is.
        scope: Where it is called: its `role` is whose rights the body has, its `database` has to be known.
        ground: What its names may mean.
        before: What may have changed before it is called, by the same statement.
        reach: Whether a condition may be true at all, of a row of the relation, or where that is 0 of none.
        given: What a trigger calls it with, which is the same for every row.
    """
    body = _named_by(function)
    if scope.database is None or any(one[-1] in RUNS_SQL for one in body.calls):
        return None
    if any(one[-1] in own_names(scope.database.catalog) for one in COUNTS):
        return None
    spelt = [called for name in body.operators for called in ground.functions(name)]
    if any(ground.changed_by_call(one, scope.role) != _NONE for one in spelt):
        return None
    found = _paths(function)
    if isinstance(found, NotFollowed) or not found:
        return None
    made = {name for path in found for step in path.steps if isinstance(step, Makes) for name in step.names}
    if not all(is_unshared(name, function, scope.database, ground) for name in made):
        return None
    sets = [step for path in found for step in path.steps if isinstance(step, Sets)]
    if not all(_is_own_setting(one, function) for one in sets) or not (
        body.understood or body.reads or body.writes or body.calls
    ):
        # Then claims, or what names mean, may not be what they were.
        return None
    try:
        return _Reading(_Asked(function, scope, ground, before, reach, given), found, scope.database).deeds()
    except (LostError, TooLargeError, RecursionError):
        return None


@dataclass(slots=True)
class _Run:
    """A statement or query with its bindings: the ways on which it is run, and what may have changed by then."""

    node: Node
    bindings: Bindings
    paths: list[Path] = field(default_factory=list)
    changed: Changes = _NONE


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `deeds_of` was asked."""

    function: Function
    scope: Scope
    ground: Ground
    before: Changes
    reach: Callable[[Expr, int], bool]
    given: tuple[str, ...]


class _Reading:
    def __init__(
        self,
        asked: _Asked,
        found: Sequence[Path],
        database: Database,
    ) -> None:
        self._function = asked.function
        self._scope = asked.scope
        self._ground = asked.ground
        self._before = asked.before
        self._reach = asked.reach
        self._given = asked.given
        self._database = database
        # What a way that fails has done is undone.
        self._whole = [one for one in found if isinstance(one.end, Returned)]
        self._failed = [one for one in found if not isinstance(one.end, Returned)]
        self._body = self._standing()
        self._into = Into(self._function, _named_by(self._function), self._body, database, self._ground)
        self._noted: defaultdict[tuple[Operation, int], list[Expr]] = defaultdict(list)
        self._made: dict[tuple[Operation, int], Change] = {}
        self._calls: set[tuple[str, ...]] = set()
        self._parts: frozenset[int] | None = None
        self._lost = ""
        self._seen: set[tuple[int, int]] = set()
        self._unknown: list[Path] = []
        self._changes: dict[int, Changes] = {}
        self._tests: dict[tuple[int, int, bool], Expr] = {}
        self._usables: dict[int, Mapping[tuple[int, int, bool], Expr]] = {}
        self._stills: dict[int, bool] = {}
        self._kept: list[object] = []
        self._dynamic: dict[tuple[int, int], tuple[tuple[Node, ...] | None, Bindings]] = {}

    def deeds(self) -> Deeds:
        """Returns all of it."""
        for run in self._runs():
            self._run(run)
        if self._unknown and self._reach(self._gate(self._unknown), 0):
            self._lost = "it runs dynamic SQL"
        self._calls |= {one for one in _named_by(self._function).operators if any(self._ground.functions(one))}
        self._show(silent=self._function.returns in _SILENT)
        self._rest()
        deeds = [Deed(*key, _either(found), self._made.get(key, ANYHOW)) for key, found in self._noted.items()]
        return Deeds(tuple(deeds), frozenset(self._calls), self._lost, self._sure())

    def _sure(self) -> tuple[Sure, ...]:
        """What it surely does, called first and by itself."""
        if self._before != _NONE or self._given or self._lost:
            return ()

        def steady(asked: Expr, done: Iterable[Step]) -> bool:
            return self._holds_still(asked, self._changed_by(done))

        surely = Surely(self._function, self._body, self._database, self._ground, steady)
        try:
            return surely.along(self._whole, silent=self._function.returns in _SILENT)
        except (LostError, TooLargeError, RecursionError):
            # What may be done is known all the same.
            return ()

    def _standing(self) -> plpgsql.Body:
        function, scope = self._function, self._scope
        nowhere = replace(scope, relation="", columns={}, table=0, path=self._database.path_of(function))
        here = Here(Work(READERS), nowhere, 1)
        kinds = function.arguments.split(", ") if function.arguments else []
        arguments = tuple(
            Given(Who.ARGUMENT, f"{function.oid}.{number}", types.of_text(kind, nowhere), nullable=True)
            for number, kind in enumerate(kinds)
        )
        stands = inside(function, arguments, here)
        stands = replace(
            stands,
            scope=replace(stands.scope, role=scope.role),
            user=scope.role,
            clash=conflict_of(function) is not Conflict.COLUMN,
            called="",
            locks=True,
        )
        return plpgsql.Body(stands, UNKNOWN, " #deed")

    # What is run

    def _runs(self) -> list[_Run]:
        """Every statement, query and call, each once for the bindings that it has."""
        runs: dict[tuple[int, int], _Run] = {}
        for path in self._whole:
            everything = self._changed_by(path.steps)
            done: list[Step] = []
            for step in path.steps:
                changed = everything if step.maybe else self._changed_by(done)
                done.append(step)
                if isinstance(step, Dynamic) and self._text(step)[0] is None:
                    self._unknown.append(path)
                for node, bindings in self._done(step):
                    run = runs.setdefault((id(node), id(bindings)), _Run(node, bindings))
                    run.paths.append(path)
                    run.changed = _and(run.changed, _and(changed, self._changed_within(node)))
        return list(runs.values())

    def _changed_within(self, statement: Node) -> Changes:
        """What the functions change that a statement calls: others that it calls see that."""
        if isinstance(statement, ast.FuncCall):
            return _NONE
        total: Changes = _NONE
        for one in tree.walk(statement):
            name = tree.name(one.funcname) if isinstance(one, ast.FuncCall) else ()
            if name == ("set_config",):
                total = _and(total, frozenset({_SETTINGS}))
            for function in self._ground.functions(name) if name else ():
                total = _and(total, self._ground.changed_by_call(function, self._scope.role))
        return total

    def _done(self, step: Step) -> Iterator[tuple[Node, Bindings]]:
        """The statements and calls of a step."""
        match step:
            case Writes(statement=node, bindings=bindings) | Calls(call=node, bindings=bindings):
                yield node, bindings
            case Dynamic():
                found, bindings = self._text(step)
                for each in tree.walk(found):
                    if isinstance(each, ast.FuncCall | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
                        yield each, bindings
            case _:
                pass

    def _text(self, step: Dynamic) -> tuple[tuple[Node, ...] | None, Bindings]:
        key = (id(step.text), id(step.bindings))
        if key not in self._dynamic:
            own = own_names(self._database.catalog)
            columns = not own & dynamic.READ and self._has_quotable_columns()
            found = None if own & dynamic.USED else dynamic.statements_of(step, self._given, columns=columns)
            if found is not None and not all(map(self._is_known, found)):
                found = None
            arguments = {f"${n}": Computed(one, step.bindings) for n, one in enumerate(step.arguments, 1)}
            self._dynamic[key] = found, arguments
            self._kept.append(step)
        return self._dynamic[key]

    def _has_quotable_columns(self) -> bool:
        """Whether all columns of the relations whose trigger this is have names that can stand between quotes."""
        catalog = self._database.catalog
        called = [one.relation for one in catalog.snapshot.triggers if one.function == self._function.oid]
        return not any('"' in column.name for oid in called for column in catalog.columns[oid])

    def _is_known(self, statement: Node) -> bool:
        """Whether a statement only reads and writes rows, and calls nothing by other names than functions' own."""
        for one in tree.walk(statement):
            if isinstance(one, ast.FuncCall) and tree.name(one.funcname)[-1] in RUNS_SQL | {"set_config"}:
                return False
            if isinstance(one, ast.A_Expr) and any(self._ground.functions(tree.name(one.name))):
                return False
            if isinstance(one, ast.SelectStmt) and one.intoClause is not None:
                return False
            if type(one).__name__.endswith("Stmt") and not isinstance(one, _ROWS):
                return False
        return True

    def _run(self, run: _Run) -> None:
        gate = self._gate(run.paths)
        if isinstance(run.node, ast.FuncCall):
            name = tree.name(run.node.funcname)
            if any(True for _ in self._ground.functions(name)) and self._reach(gate, 0):
                self._calls.add(name)
            return
        if not isinstance(run.node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
            self._any_of(run.node, gate)
            return
        operation = _WRITES[type(run.node)]
        for oid in self._named(run.node.relation):
            for done, asked in self._asked(operation, run, oid):
                self._note(done, oid, conjunction((gate, asked)), self._into.of(done, run.node, run.bindings, oid))
                if _returns(run.node) and self._function.returns not in _SILENT:
                    self._note(Operation.SELECT, oid, conjunction((gate, asked)))

    def _any_of(self, statement: Node, gate: Expr) -> None:
        """MERGE and TRUNCATE, of which no more is told than where they are run."""
        named = statement.relations or () if isinstance(statement, ast.TruncateStmt) else (statement.relation,)
        for one in named:
            for oid in self._named(one):
                for operation in (Operation.INSERT, Operation.UPDATE, Operation.DELETE, Operation.SELECT):
                    self._note(operation, oid, gate)

    def _asked(self, operation: Operation, run: _Run, oid: int) -> Iterator[tuple[Operation, Expr]]:
        """What a statement does to rows of the relation, and of which."""
        statement = run.node
        relation = self._database.catalog.relations[oid]
        conflict = operation is Operation.INSERT and statement.onConflictClause is not None
        updates = conflict and bool(statement.onConflictClause.targetList)
        lone = len(list(self._named(statement.relation))) == 1 and relation.kind in "rp"
        here = self._body.moment(run.bindings)
        if not lone or self._is_part(statement):
            yield operation, ANY
            if conflict:
                yield Operation.UPDATE, ANY
            return
        if operation is not Operation.INSERT:
            yield operation, self._guarded(lambda: rows.changed(statement, relation, here), run.changed)
            return
        kept = self._ground.kept(oid)
        yield (
            operation,
            self._guarded(lambda: _any_way(rows.inserted(statement, relation, here)), run.changed, kept=kept, new=True),
        )
        if updates:
            yield (
                Operation.UPDATE,
                self._guarded(lambda: rows.conflicting(statement, relation, here), run.changed, kept=kept),
            )
        elif conflict:
            yield Operation.UPDATE, NO

    def _is_part(self, statement: Node) -> bool:
        """Whether a statement is part of another one, whose WITH may give its names another meaning."""
        if self._parts is None:
            arounds = [
                step.query if isinstance(step, Reads) else step.statement
                for path in (*self._whole, *self._failed)
                for step in path.steps
                if isinstance(step, Reads | Writes)
            ]
            arounds += [one for found, _ in self._dynamic.values() for one in found or ()]
            unlike = {id(one): one for one in arounds}.values()
            self._parts = frozenset(id(one) for each in unlike for one in rows.parts(each))
        return id(statement) in self._parts

    def _guarded(self, read: Callable[[], Expr], changed: Changes, *, kept: bool = True, new: bool = False) -> Expr:
        """What is read, as far as it is still so after what has changed; anything where it is not followed.

        What is asked of a `new` row by itself says nothing of rows that were there.
        """
        if not kept:
            return ANY
        try:
            found = read()
        except LostError:
            return ANY
        parts = found.operands if isinstance(found, And) else (found,)
        same = changed is not None and self._before is not None
        return conjunction(
            one for one in parts if self._holds_still(one, changed) or (new and same and _is_of_its_row(one))
        )

    # What the ways ask

    def _gate(self, ways: Sequence[Path]) -> Expr:
        """What all of these ways ask of the state that the function is called in."""
        keyed = [self._usable(one) for one in ways]
        common = [key for key in keyed[0] if all(key in other for other in keyed[1:])] if keyed else []
        return conjunction(keyed[0][key] for key in common)

    def _usable(self, path: Path) -> Mapping[tuple[int, int, bool], Expr]:
        # Many statements stand on the same ways, and many ways ask the same.
        key = id(path)
        if key not in self._usables:
            self._usables[key] = {
                (id(one.test), id(one.bindings), one.holds): self._test(one)
                for one in path.conditions
                if self._is_usable(one)
            }
            self._kept.append(path)
        return self._usables[key]

    def _is_usable(self, condition: Condition) -> bool:
        """Whether what a condition asks is what it would have been when the function was called."""
        key = id(condition)
        if key not in self._stills:
            self._stills[key] = self._holds_still(self._test(condition), self._changed_by(settled(condition)))
            self._kept.append(condition)
        return self._stills[key]

    def _test(self, condition: Condition) -> Expr:
        key = (id(condition.test), id(condition.bindings), condition.holds)
        if key not in self._tests:
            try:
                met = IsTrue(self._body.test(condition))
                self._tests[key] = met if condition.holds else Not(met)
            except LostError:
                self._tests[key] = TRUE
            self._kept.append(condition)
        return self._tests[key]

    def _holds_still(self, expression: Expr, changed: Changes) -> bool:
        """Whether an expression is what it would have been before these changes."""
        changed = _and(changed, self._before)
        if changed == _NONE:
            return True
        used = _tables(expression)
        # What is not followed may be anything, but need not be the same as before. What may have changed anything may
        # have changed the claims.
        if used is None or changed is None:
            return False
        if any(isinstance(one, Given) and one.who in _SETTABLE for one in walk(expression)):
            # A setting of the project's own is one of these, and what was called before may have set it.
            return False
        return not used if ANY_TABLE in changed else not used & changed

    def _changed_by(self, steps: Iterable[Step]) -> Changes:
        total: Changes = _NONE
        for step in steps:
            key = id(step)
            if key not in self._changes:
                self._changes[key] = self._changed_by_step(step)
                self._kept.append(step)
            total = _and(total, self._changes[key])
            if total is None:
                break
        return total

    def _changed_by_step(self, step: Step) -> Changes:
        if isinstance(step, Sets):
            return frozenset({_SETTINGS})
        total: Changes = _NONE
        if isinstance(step, Dynamic) and self._text(step)[0] is None:
            return None
        for node, _ in self._done(step):
            if isinstance(node, ast.FuncCall):
                for function in self._ground.functions(tree.name(node.funcname)):
                    total = _and(total, self._ground.changed_by_call(function, self._scope.role))
            elif isinstance(node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
                for oid in self._named(node.relation):
                    operations = {_WRITES[type(node)]}
                    if isinstance(node, ast.InsertStmt) and node.onConflictClause is not None:
                        operations.add(Operation.UPDATE)
                    for operation in operations:
                        total = _and(total, self._ground.changed_by_write(operation, oid, self._scope.role))
            else:
                return None
        return total

    # What is shown

    def _show(self, *, silent: bool) -> None:
        runs: dict[tuple[int, int], _Run] = {}
        nested: dict[tuple[int, int], _Run] = {}
        everything = (_has_cursors(self._function) or self._makes_tables()) and not silent
        for path in (*self._whole, *self._failed):
            shown = Shown()
            if isinstance(path.end, Returned) and not silent:
                shown.of(self._function, path)
            else:
                shown.only_messages(path)
            # What a message is made of may be unknown; it tells no more than what the body has read.
            everything |= shown.everything
            for node, bindings in shown.queries:
                self._shown_on(path, node, bindings, runs)
            for node, bindings in shown.nested:
                self._shown_on(path, node, bindings, nested)
        if everything:
            for path in self._whole:
                for step in path.steps:
                    for node, bindings in self._read_by(step):
                        self._shown_on(path, node, bindings, runs)
                        for one in values(node):
                            if isinstance(one, ast.SubLink):
                                self._shown_on(path, one.subselect, bindings, nested)
        for run in runs.values():
            self._show_query(run)
        self._show_nested(one for key, one in nested.items() if key not in self._seen)

    def _show_nested(self, runs: Iterable[_Run]) -> None:
        """Notes queries for values that are not followed with the query around them."""
        for run in runs:
            gate = self._gate(run.paths)
            for oid in self._shown_in(run.node, followed=False):
                self._note(Operation.SELECT, oid, gate)

    def _makes_tables(self) -> bool:
        """Whether what is read may come by way of a table of the body's own."""
        return any(isinstance(step, Makes) for path in self._whole for step in path.steps)

    def _shown_on(self, path: Path, node: Node, bindings: Bindings, runs: dict[tuple[int, int], _Run]) -> None:
        run = runs.setdefault((id(node), id(bindings)), _Run(node, bindings))
        run.paths.append(path)
        run.changed = _and(run.changed, self._changed_until(path, node, bindings))
        self._kept.append((node, bindings))

    def _read_by(self, step: Step) -> Iterator[tuple[Node, Bindings]]:
        if isinstance(step, Reads):
            yield step.query, step.bindings
        elif isinstance(step, Writes):
            yield step.statement, step.bindings
        elif isinstance(step, Dynamic):
            texts, bindings = self._text(step)
            yield from ((one, bindings) for one in texts or ())

    def _changed_until(self, path: Path, node: Node, bindings: Bindings) -> Changes:
        """What has changed once a query is run, which is a step of its own where it is a statement."""
        done = until(node, bindings, path.steps)
        return self._changed_by(path.steps if done is None else done)

    def _show_query(self, run: _Run) -> None:
        gate = self._gate(run.paths)
        node = run.node
        if not isinstance(node, ast.SelectStmt):
            # What RETURNING gives of the rows that are written is noted where they are.
            for part in (getattr(node, name) for name in node if name != "relation"):
                for oid in self._shown_in(part, followed=False):
                    self._note(Operation.SELECT, oid, gate)
            return
        if only_counts(node):
            return
        try:
            found, followed = rows.shown(node, self._body.moment(run.bindings))
        except LostError:
            for oid in self._shown_in(node, followed=False):
                self._note(Operation.SELECT, oid, gate)
            return
        self._seen |= {(id(one), id(run.bindings)) for one in followed}
        for source, asked in found:
            parts = asked.operands if isinstance(asked, And) else (asked,)
            kept = conjunction(one for one in parts if self._holds_still(one, run.changed))
            self._note(Operation.SELECT, source.relation, conjunction((gate, kept)))
        more = self._shown_in(node, followed=True) - {source.relation for source, _ in found}
        for within in _summed_within(node):
            more |= self._shown_in(within, followed=False)
        for oid in more:
            self._note(Operation.SELECT, oid, gate)

    def _shown_in(self, node: Node, *, followed: bool) -> set[int]:
        """The relations that a query may show something of; of views those below, unless they are `followed`."""
        found: set[int] = set()
        for one in values(node):
            if not isinstance(one, ast.RangeVar):
                continue
            for oid in self._named(one):
                relation = self._database.catalog.relations[oid]
                if relation.kind != "v":
                    found.add(oid)
                elif not followed or not self._is_seen_through(oid):
                    found |= {oid, *self._ground.concerned(oid)}
        return found

    def _is_seen_through(self, view: int) -> bool:
        """Whether all that a view shows is rows of what it reads from: there are no queries for values in it."""
        catalog = self._database.catalog
        below = [catalog.relations[one] for one in self._ground.concerned(view) if one in catalog.relations]
        texts = [tree.statements(one.definition or "") for one in below if one.kind == "v"]
        return all(text is not None and not any(_is_more(one) for one in tree.walk(text)) for text in texts)

    # All that is named

    def _named(self, name: Node) -> Iterator[int]:
        """The relations that a name may mean: any where it, or its schema, is not known."""
        catalog = self._database.catalog
        schema, relname = name.schemaname or "", name.relname or ""
        if dynamic.HOLE not in schema + relname:
            yield from self._ground.relations((schema, relname) if schema else (relname,))
            return
        for one in catalog.snapshot.relations:
            if one.kind in _TABLES and (dynamic.HOLE in schema or not schema or catalog.schema_name(one) == schema):
                yield one.oid

    def _note(self, operation: Operation, oid: int, asked: Expr, change: Change = ANYHOW) -> None:
        # Nobody decides what is larger.
        self._noted[operation, oid].append(ANY if is_larger(asked, MOST_BOUNDED) else asked)
        before = self._made.get((operation, oid))
        self._made[operation, oid] = change if before is None else before.either(change)

    def _rest(self) -> None:
        """What the body names and none of its ways does, or shows."""
        body = _named_by(self._function)
        for operation, name in (*((Operation.SELECT, one) for one in body.reads), *body.writes):
            for oid in self._ground.relations(name):
                self._noted.setdefault((Operation(operation), oid), [NO])


def _is_of_its_row(expression: Expr) -> bool:
    """Whether an expression asks only the row itself, arguments, and who is asking."""
    return not any(
        isinstance(one, AnyRow | Lookup | Aggregate | Opaque) or (isinstance(one, Given) and one.who in _SETTABLE)
        for one in walk(expression)
    )


def _is_own_setting(step: Sets, function: Function) -> bool:
    """Whether a setting is the project's own, or a search_path that gives no name another meaning.

    Names without a schema are taken for certain only where there is one of that name, unless the function has a path.
    """
    name = (step.name or "").lower()
    if name == "search_path" and isinstance(step.statement, ast.VariableSetStmt):
        values = [constant(one) for one in step.statement.args or ()]
        plain = all(one is not None and one not in {"pg_catalog", "pg_temp"} for one in values)
        return plain and bool(values) and not any(one.startswith(PATH) for one in function.settings)
    return is_own_setting(name)


@lru_cache(maxsize=1024)
def _named_by(function: Function) -> Body:
    """What the text of a body names, also where it has types that only the database knows."""
    body = body_of(function)
    if body.understood or body.reads or body.writes or function.language != "plpgsql":
        return body
    try:
        return body_of(replace(function, body=rewrite(function.body).body))
    except NotReadError:
        return body


@lru_cache(maxsize=1024)
def _paths(function: Function) -> tuple[Path, ...] | NotFollowed:
    """The ways through a body, which are the same for every persona."""
    return paths(function)


def _is_more(node: Node) -> bool:
    """Whether a part of a view may show more than the rows of its FROM."""
    return isinstance(node, ast.SubLink) or (isinstance(node, ast.SelectStmt) and sums(node))


def _summed_within(node: Node) -> Iterator[Node]:
    """The queries within a FROM that sum up their rows, and show something of them."""
    for one in tree.walk(node):
        if isinstance(one, ast.RangeSubselect | ast.CommonTableExpr):
            query: Node = one.subquery if isinstance(one, ast.RangeSubselect) else one.ctequery
            if isinstance(query, ast.SelectStmt) and sums(query) and not only_counts(query):
                yield query


def _has_cursors(function: Function) -> bool:
    """Whether a body has cursors, which may be read elsewhere."""
    return "cursor" in function.body.lower() or "cursor" in function.returns


def _tables(expression: Expr) -> frozenset[int] | None:
    """The relations that an expression reads; None where that is not known."""
    found: set[int] = set()
    for one in walk(expression):
        match one:
            case Opaque():
                return None
            case Field(relation=relation):
                found.add(relation)
            case AnyRow(query=query) | Lookup(query=query) | Aggregate(query=query):
                found |= {source.relation for source in query.sources}
            case _:
                pass
    return frozenset(found)


def _and(one: Changes, other: Changes) -> Changes:
    return None if one is None or other is None else one | other


def _any_way(found: Iterable[tuple[Expr, object]]) -> Expr:
    return _either([one for one, _ in found])


def _either(found: Sequence[Expr]) -> Expr:
    unlike = tuple(dict.fromkeys(one for one in found if one != NO))
    if not unlike:
        return NO
    if TRUE in unlike:
        return TRUE
    if len(unlike) > _MOST_GROUPS:
        return ANY
    return unlike[0] if len(unlike) == 1 else Or(unlike)


def _returns(statement: Node) -> bool:
    clause = getattr(statement, "returningClause", None)
    return bool(clause.exprs if clause is not None else getattr(statement, "returningList", None))
