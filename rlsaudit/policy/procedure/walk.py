"""The statements of a plpgsql body, followed one after the other: every statement makes of one state all that follow.

Any kind of statement that is not known here ends the whole attempt: what is not followed is never left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pglast import ast
from pglast.enums import BoolExprType

from rlsaudit.policy import tree
from rlsaudit.policy.procedure import effects, errors, fragments, names
from rlsaudit.policy.procedure.declared import Alias, Cursor, Variable, folded
from rlsaudit.policy.procedure.dynamic import text_of
from rlsaudit.policy.procedure.fragments import NotFollowedError
from rlsaudit.policy.procedure.path import (
    Assigns,
    Calls,
    Changed,
    Computed,
    Condition,
    Declared,
    Dynamic,
    Exists,
    FirstRow,
    Gives,
    Raised,
    Returned,
    SomeRow,
    Tells,
    Unknown,
)
from rlsaudit.policy.procedure.state import SCALAR, Kind, Leaves, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rlsaudit.policy.procedure.declared import Declaration
    from rlsaudit.policy.procedure.path import Bindings, Bound, Step
    from rlsaudit.policy.tree import Node

_T = TypeVar("_T")
Json: TypeAlias = Any
"""A statement, expression or list of pglast's JSON."""
MOST_PATHS = 64
_MOST_LIVE = 16
"""Of more ways that go on together, what they differ in is given up."""
_MOST_STATEMENTS = 20_000
_ERROR = 21
"""The level of RAISE EXCEPTION; what is below goes on."""
_NULL = ast.A_Const(isnull=True)
FOUND = "found"
JOINED = "whether one of many ways is taken"


class Walker:
    """Follows one body. `declarations` are those of its blocks, by identity; `datums` the names of its variables."""

    def __init__(
        self, declarations: Mapping[int, Sequence[Declaration]], datums: Sequence[str | None], *, results: bool
    ) -> None:
        self._declarations = declarations
        self._datums = datums
        self._results = results
        self._cursors: dict[str, Cursor] = {}
        self._unknown = 0
        self._done = 0
        self._known: dict[str, Callable[[Json, State], list[State]]] = {
            "block": self._block,
            "assign": self._assign,
            "if": self._if,
            "case": self._case,
            "loop": self._endless,
            "while": self._while,
            "fori": self._for_integers,
            "fors": self._for_query,
            "forc": self._for_cursor,
            "dynfors": self._for_text,
            "foreach_a": self._for_array,
            "exit": self._exit,
            "return": self._return,
            "return_next": self._return_next,
            "return_query": self._return_query,
            "raise": self._raise,
            "assert": self._assert,
            "execsql": self._execute_plain,
            "perform": self._perform,
            "dynexecute": self._execute_text,
            "call": self._call,
            "getdiag": self._diagnostics,
            "open": self._open,
            "fetch": self._fetch,
            "close": lambda _, state: [state],
        }

    def follow(self, action: Json, state: State) -> list[State]:
        """Returns all states in which the body ends, or control reaches its end.

        Raises:
            NotFollowedError: where the body has what is not understood, or more ways than are worth it.
        """
        return self._sequence([action], state)

    def unknown(self, reason: str) -> Unknown:
        """A value of which nothing is known."""
        self._unknown += 1
        return Unknown(reason, self._unknown)

    # Sequences and blocks

    def _sequence(self, statements: Sequence[Json], state: State) -> list[State]:
        live, over = [state], list[State]()
        for statement in statements:
            following: list[State] = []
            for one in live:
                for after in self._statement(statement, one):
                    (following if after.end is None else over).append(after)
                if len(following) + len(over) > MOST_PATHS:
                    raise NotFollowedError("too many paths")
            live = following
            if len(live) > _MOST_LIVE:
                joins = self.unknown(JOINED)
                live = [self._joined(live, joins)]
                over = [one.given(Condition(joins, one.values, holds=False)) for one in over]
        return [*live, *over]

    def _joined(self, live: Sequence[State], joins: Unknown) -> State:
        """The ways that go on, as one, which is taken where any of them is."""
        first = live[0]
        conditions = _shared([one.conditions for one in live])
        steps = _shared([one.steps for one in live])
        changed = frozenset[str]().union(*(one.changed(first) for one in live))
        bare = replace(first, conditions=conditions, steps=steps)
        joined = self._forget(bare, changed, "a variable that several ways assign").then(*_new_steps(bare, live))
        return joined.given(Condition(joins, joined.values, holds=True))

    def _statement(self, statement: Json, state: State) -> list[State]:
        self._done += 1
        if self._done > _MOST_STATEMENTS:
            raise NotFollowedError("too many statements")
        ((kind, what),) = statement.items()
        handler = self._known.get(kind.removeprefix("PLpgSQL_stmt_"))
        if handler is None:
            raise NotFollowedError(f"a statement that is not followed: {kind.removeprefix('PLpgSQL_stmt_')}")
        return handler(what, state)

    def _block(self, block: Json, outer: State) -> list[State]:
        label = block.get("label")
        state = outer
        for one in self._declarations.get(id(block), ()):
            state = self._declare(one, label, state)
        found = self._sequence(block.get("body", ()), state)
        if "exceptions" in block:
            found = self._guarded(block["exceptions"]["PLpgSQL_exception_block"]["exc_list"], state, found)
        return [_past(one, label, outer) for one in found]

    def _declare(self, one: Declaration, label: str | None, state: State) -> State:
        if one.name in {FOUND, "sqlstate", "sqlerrm"}:
            raise NotFollowedError("a variable that is called like one that every body has")
        more = (f"{label}.{one.name}",) if label else ()
        match one:
            case Alias(name, of):
                return state.also(name, of if of in state.values else folded(of))
            case Cursor(name):
                self._cursors[name] = one
                return state.declared(name, self.unknown("a cursor"), SCALAR, more)
            case Variable(name, kind, whole, not_null, default):
                declared = Declared(kind, not_null)
                node = _NULL if default is None else fragments.expression(default)
                value = Computed(node, state.values, declared)
                state = state.then(*effects.of_expression(node, state.values), Assigns(name, value))
                return state.declared(name, value, Kind(declared, whole), more)

    def _guarded(self, handlers: Sequence[Json], entry: State, found: Sequence[State]) -> list[State]:
        """A block with handlers: either no statement fails, or one does, wherever that is."""
        fails = _of_one(self.unknown("whether a statement of the block fails"), entry, found)
        length = len(entry.conditions)
        sound = Condition(fails, entry.values, holds=False)
        results: list[State] = []
        for one in found:
            one = replace(one, conditions=(*one.conditions[:length], sound, *one.conditions[length:]))  # noqa: PLW2901
            if isinstance(one.end, Raised):
                # What a block has done is undone when it fails; its variables stay as they are.
                undone = (*entry.steps, *_maybe(one.steps[len(entry.steps) :]))
                caught = replace(one.left(entry), end=None, steps=undone)
                results += self._handled(handlers, caught, one.end, replace(one, steps=undone))
            else:
                results.append(one)
        failed = self._forgotten(entry, found, "a variable of a block in which a statement failed")
        failed = failed.then(*_new_steps(entry, found)).given(Condition(fails, entry.values, holds=True))
        results += self._handled(handlers, failed, Raised(None), failed.ended(Raised(None)))
        if len(results) > MOST_PATHS:
            raise NotFollowedError("too many paths")
        return results

    def _handled(self, handlers: Sequence[Json], state: State, error: Raised, uncaught: State) -> list[State]:
        """What follows where `error` was raised in a block with these handlers."""
        results: list[State] = []
        for each in handlers:
            handler = each["PLpgSQL_exception"]
            conditions = [one["PLpgSQL_condition"]["condname"] for one in handler["conditions"]]
            caught = errors.catches(conditions, error.sqlstate)
            if caught is False:
                continue
            within = state
            if caught is None:
                which = self.unknown("which error it is")
                within = state.given(Condition(which, state.values, holds=True))
                state = state.given(Condition(which, state.values, holds=False))
                uncaught = uncaught.given(Condition(which, state.values, holds=False))
            told = within
            for name in ("sqlstate", "sqlerrm"):
                told = told.declared(name, self.unknown("what the error says"), SCALAR)
            results += [_past(one, None, within) for one in self._sequence(handler.get("action", ()), told)]
            if caught:
                return results
        return [*results, uncaught]

    # Variables

    def _assign(self, statement: Json, state: State) -> list[State]:
        parts, subscripts, node = fragments.assignment(_sql(statement["expr"]))
        state = state.then(*effects.of_expression(node, state.values))
        name, fields = state.find(parts)
        if subscripts:
            state = state.then(Assigns(name, Computed(node, state.values)))
            return [self._set(state, name, fields, self.unknown("an array of which an element was set"))]
        declared = Declared() if fields else state.kinds[name].declared
        return [self._set(state, name, fields, Computed(node, state.values, declared))]

    def _set(self, state: State, name: str, fields: tuple[str, ...], value: Bound) -> State:
        if fields:
            if len(fields) > 1:
                state = state.then(Assigns(".".join((name, *fields)), value))
                value = self.unknown("a field of a field")
            bound: Bound = Changed(state.values[name], fields[0], value)
        else:
            bound = value
        return state.bound(name, bound).then(Assigns(".".join((name, *fields)), value))

    def _forgotten(self, start: State, found: Sequence[State], reason: str) -> State:
        """`start` without what it knows of variables that have another value in any of `found`."""
        changed = frozenset[str]().union(*(one.changed(start) for one in (each.left(start) for each in found)))
        return self._forget(start, changed, reason)

    def _forget(self, state: State, changed: frozenset[str], reason: str) -> State:
        for name in sorted(changed):
            state = state.bound(name, self.unknown(reason))
        return state

    def _into(self, target: Json, state: State, query: Node, bindings: Bindings, *, strict: bool) -> State:
        """Puts the first row of what was run into variables."""
        targets, single = _targets(target)
        again = isinstance(query, ast.SelectStmt) and not effects.writes(query)
        for column, parts in enumerate(targets):
            name, fields = state.find(parts)
            kind = SCALAR if fields else state.kinds[name]
            whole = kind.whole if single else False
            value: Bound = replace(self.unknown("a row that was written"), written=query, column=column)
            if again:
                value = FirstRow(query, column, whole, strict, bindings, kind.declared)
            state = self._set(state, name, fields, value)
        return state

    # Branches

    def _decide(self, sql: str, state: State) -> tuple[State, State]:
        """The two states in which a condition is true, and is not."""
        node = fragments.expression(sql)
        state = state.then(*effects.of_expression(node, state.values))
        test, holds = _found(node, state.values)
        # FOUND is never NULL, so that NOT FOUND holds where it does not.
        yes, no = (Condition(test, state.values, holds=one) for one in (holds, not holds))
        return state.given(yes), state.given(no)

    def _if(self, statement: Json, state: State) -> list[State]:
        results: list[State] = []
        branches = [(statement["cond"], statement.get("then_body", ()))]
        for one in statement.get("elsif_list", ()):
            part = one["PLpgSQL_if_elsif"]
            branches.append((part["cond"], part.get("stmts", ())))
        for condition, body in branches:
            taken, state = self._decide(_sql(condition), state)
            results += self._sequence(body, taken)
        return [*results, *self._sequence(statement.get("else_body", ()), state)]

    def _case(self, statement: Json, state: State) -> list[State]:
        results: list[State] = []
        outer = state
        if "t_expr" in statement:
            node = fragments.expression(_sql(statement["t_expr"]))
            state = state.then(*effects.of_expression(node, state.values))
            # The parser gives the value this name, in each of the conditions.
            name = f"__Case__Variable_{statement['t_varno']}__"
            state = state.declared(name, Computed(node, state.values), SCALAR)
        for one in statement["case_when_list"]:
            part = one["PLpgSQL_case_when"]
            taken, state = self._decide(_sql(part["expr"]), state)
            results += self._sequence(part.get("stmts", ()), taken)
        if statement.get("have_else"):
            results += self._sequence(statement.get("else_stmts", ()), state)
        else:
            results.append(state.ended(Raised(errors.CASE_NOT_FOUND, "case not found")))
        return [_past(one, None, outer) for one in results]

    # Loops

    def _endless(self, statement: Json, state: State) -> list[State]:
        return self._loop(statement, state, lambda one: one, endless=True)

    def _while(self, statement: Json, state: State) -> list[State]:
        return self._loop(statement, state, lambda one: self._decide(_sql(statement["cond"]), one)[0])

    def _for_integers(self, statement: Json, state: State) -> list[State]:
        for key in ("lower", "upper", "step"):
            if key in statement:
                node = fragments.expression(_sql(statement[key]))
                counts = Assigns(statement["var"]["PLpgSQL_var"]["refname"], Computed(node, state.values))
                state = state.then(*effects.of_expression(node, state.values), counts)
        name, label = statement["var"]["PLpgSQL_var"]["refname"], statement.get("label")
        more = (f"{label}.{name}",) if label else ()

        def counted(one: State) -> State:
            return one.declared(name, self.unknown("a number that is counted"), SCALAR, more)

        return self._loop(statement, state, counted, tells=True)

    def _for_query(self, statement: Json, state: State) -> list[State]:
        query = fragments.statement(_sql(statement["query"]))
        return self._rows(statement, query, state, state.values)

    def _for_cursor(self, statement: Json, state: State) -> list[State]:
        cursor = self._cursors.get(self._datum(statement["curvar"]))
        if cursor is None:
            raise NotFollowedError("a cursor that is not followed")
        if "argquery" in statement:
            argument = fragments.expression(_sql(statement["argquery"]))
            passed = Assigns("", Computed(argument, state.values))
            state = state.then(*effects.of_expression(argument, state.values), passed)
        name, label = statement["var"]["PLpgSQL_rec"]["refname"], statement.get("label")
        more = (f"{label}.{name}",) if label else ()
        opened = self._opened(cursor, state)

        def row(one: State) -> State:
            return one.declared(name, self.unknown("a row of a cursor"), Kind(Declared("record"), whole=True), more)

        return self._loop(statement, opened, row, tells=True)

    def _for_text(self, statement: Json, state: State) -> list[State]:
        state, query, bindings = self._text(statement, statement["query"], state)
        if query is not None:
            return self._rows(statement, query, state, bindings)
        targets, _ = _targets(statement["var"])

        def row(one: State) -> State:
            for parts in targets:
                one = self._set(one, *one.find(parts), self.unknown("a row of dynamic SQL"))
            return one

        return self._loop(statement, state, row, tells=True)

    def _for_array(self, statement: Json, state: State) -> list[State]:
        node = fragments.expression(_sql(statement["expr"]))
        name = self._datum(statement["varno"])
        # Which element it is is not told, but what they are elements of.
        state = state.then(*effects.of_expression(node, state.values), Assigns(name, Computed(node, state.values)))

        def element(one: State) -> State:
            return self._set(one, *one.find((name,)), self.unknown("an element of an array"))

        return self._loop(statement, state, element, tells=True)

    def _rows(self, statement: Json, query: Node, state: State, bindings: Bindings) -> list[State]:
        state = state.then(*effects.of_statement(query, bindings))
        targets, single = _targets(statement["var"])
        known = isinstance(query, ast.SelectStmt) and not effects.writes(query)

        def row(one: State) -> State:
            for column, parts in enumerate(targets):
                name, fields = one.find(parts)
                kind = SCALAR if fields else one.kinds[name]
                value: Bound = self.unknown("a row that was written")
                if known:
                    value = SomeRow(query, column, kind.whole if single else False, bindings, kind.declared)
                one = self._set(one, name, fields, value)
            return one

        return self._loop(statement, state, row, tells=True)

    def _loop(
        self,
        statement: Json,
        state: State,
        begin: Callable[[State], State],
        *,
        endless: bool = False,
        tells: bool = False,
    ) -> list[State]:
        """A loop: each of its steps is taken perhaps, and what it assigns is not known within it nor afterwards.

        `begin` makes the state in which an iteration starts, `tells` is whether the loop sets FOUND when it is done.
        """
        label, body = statement.get("label"), statement.get("body", ())
        trial = self._sequence(body, begin(state))
        start = self._forgotten(state, trial, "a variable that a loop assigns")
        found = [one if one.end is None else _within(one, label) for one in self._sequence(body, begin(start))]
        maybe = tuple(_new_steps(start, found))
        length = len(start.conditions)
        after = self._forgotten(start, found, "a variable that a loop assigns").then(*maybe)
        results: list[State] = []
        goes_on = not endless
        for one in found:
            if one.end is None:
                continue
            if one.end == _BREAK:
                goes_on = True
                continue
            # It leaves from one of its iterations, which one is not known.
            leaves = self.unknown("whether a loop ends this way")
            here = Condition(leaves, after.values, holds=True)
            new = one.steps[len(start.steps) :]
            # By then other iterations may have been.
            asked = (replace(each, after=(*each.after, *maybe)) for each in one.conditions[length:])
            results.append(
                replace(
                    one,
                    conditions=(*after.conditions, here, *asked),
                    steps=(*start.steps, *maybe, *new),
                )
            )
            after = after.given(Condition(leaves, after.values, holds=False))
        if tells:
            after = after.bound(FOUND, self.unknown("whether a loop ran at all"))
            # Where EXIT leads out of several loops, that is told as well.
            results = [one.bound(FOUND, after.values[FOUND]) if isinstance(one.end, Leaves) else one for one in results]
        results = [one.left(state) if isinstance(one.end, Leaves) else one for one in results]
        return [*results, after] if goes_on else results

    def _exit(self, statement: Json, state: State) -> list[State]:
        end = Leaves(statement.get("label"), on=not statement.get("is_exit", False))
        if "cond" not in statement:
            return [state.ended(end)]
        taken, state = self._decide(_sql(statement["cond"]), state)
        return [taken.ended(end), state]

    # Ends

    def _return(self, statement: Json, state: State) -> list[State]:
        if "expr" not in statement:
            if not self._results:
                raise NotFollowedError("a RETURN of something that is not told")
            return [state.ended(Returned(None))]
        node = fragments.expression(_sql(statement["expr"]))
        return [state.then(*effects.of_expression(node, state.values)).ended(Returned(node))]

    def _return_next(self, statement: Json, state: State) -> list[State]:
        node = fragments.expression(_sql(statement["expr"])) if "expr" in statement else None
        calls = effects.of_expression(node, state.values)
        return [state.then(*calls, Gives(node, query=False, bindings=state.values))]

    def _return_query(self, statement: Json, state: State) -> list[State]:
        if "dynquery" not in statement:
            query = fragments.statement(_sql(statement["query"]))
            return [self._given(query, state, state.values)]
        state, parsed, bindings = self._text(statement, statement["dynquery"], state)
        if parsed is not None:
            return [self._given(parsed, state, bindings, ran=True)]
        text = state.steps[-1]
        if not isinstance(text, Dynamic):
            raise NotFollowedError("dynamic SQL that is not followed")
        state = state.then(Gives(text, query=True, bindings=state.values))
        return [state.bound(FOUND, self.unknown("whether dynamic SQL gave a row"))]

    def _given(self, query: Node, state: State, bindings: Bindings, *, ran: bool = False) -> State:
        if not ran:
            state = state.then(*effects.of_statement(query, bindings))
        state = state.then(Gives(query, query=True, bindings=bindings))
        return state.bound(FOUND, self._exists(query, bindings))

    def _raise(self, statement: Json, state: State) -> list[State]:
        for one in statement.get("params", ()):
            node = fragments.expression(_sql(one))
            state = state.then(*effects.of_expression(node, state.values), Tells(node, state.values))
        code = errors.code(statement["condname"]) if "condname" in statement else errors.RAISED
        message = statement.get("message")
        again = "condname" not in statement and message is None
        for one in statement.get("options", ()):
            option = one["PLpgSQL_raise_option"]
            node = fragments.expression(_sql(option["expr"]))
            state = state.then(*effects.of_expression(node, state.values), Tells(node, state.values))
            text = text_of(node)
            if option.get("opt_type", 0) == 0:
                code = errors.code(text) if text is not None else None
            elif option["opt_type"] == 1:
                message = text
        if statement["elog_level"] < _ERROR:
            return [state]
        # RAISE alone raises what is being handled again.
        return [state.ended(Raised(None) if again and "options" not in statement else Raised(code, message))]

    def _assert(self, statement: Json, state: State) -> list[State]:
        taken, state = self._decide(_sql(statement["cond"]), state)
        node = fragments.expression(_sql(statement["message"])) if "message" in statement else None
        if node is not None:
            state = state.then(*effects.of_expression(node, state.values), Tells(node, state.values))
        # Whoever runs the function may have switched assertions off.
        ignored = self.unknown("whether plpgsql.check_asserts is off")
        off, on = (Condition(ignored, state.values, holds=one) for one in (True, False))
        message = None if node is None else text_of(node)
        return [taken, state.given(off), state.given(on).ended(Raised(errors.ASSERTION, message))]

    # SQL

    def _execute_plain(self, statement: Json, state: State) -> list[State]:
        node = fragments.statement(_sql(statement["sqlstmt"]))
        return self._executed(statement, node, state, state.values)

    def _executed(
        self, statement: Json, node: Node, state: State, bindings: Bindings, *, dynamic: bool = False
    ) -> list[State]:
        if not dynamic:
            state = state.then(*effects.of_statement(node, bindings))
        query = isinstance(node, ast.SelectStmt)
        if query and not statement.get("into") and not dynamic:
            return [state.ended(Raised("42601", "query has no destination for result data"))]
        found = self._exists(node, bindings)
        results: list[State] = []
        strict = bool(statement.get("strict"))
        if statement.get("into") and strict:
            missing = state.given(Condition(found, bindings, holds=False))
            code = errors.NO_DATA if query else None
            results.append(missing.ended(Raised(code, "query returned no rows" if query else None)))
            state = state.given(Condition(found, bindings, holds=True))
        if statement.get("into"):
            state = self._into(statement["target"], state, node, bindings, strict=strict)
        if (query or isinstance(node, effects.WRITES)) and not isinstance(node, ast.TruncateStmt) and not dynamic:
            state = state.bound(FOUND, found)
        return [state, *results]

    def _exists(self, node: Node, bindings: Bindings) -> Exists | Unknown:
        """FOUND after a statement."""
        if isinstance(node, ast.SelectStmt) and not effects.writes(node):
            return Exists(node, bindings)
        return replace(self.unknown("whether a row was written"), wrote=node)

    def _perform(self, statement: Json, state: State) -> list[State]:
        node = fragments.statement(_sql(statement["expr"]))
        state = state.then(*effects.of_statement(node, state.values))
        return [state.bound(FOUND, self._exists(node, state.values))]

    def _execute_text(self, statement: Json, state: State) -> list[State]:
        state, node, bindings = self._text(statement, statement["query"], state)
        if node is not None:
            return self._executed(statement, node, state, bindings, dynamic=True)
        if statement.get("into"):
            for parts in _targets(statement["target"])[0]:
                state = self._set(state, *state.find(parts), self.unknown("a row of dynamic SQL"))
        return [state]

    def _text(self, statement: Json, text: Json, state: State) -> tuple[State, Node | None, Bindings]:
        """Dynamic SQL: the state once it ran, and the statement where it is plain, with what `$1` means in it."""
        node = fragments.expression(_sql(text))
        arguments = [fragments.expression(_sql(one)) for one in statement.get("params", ())]
        for one in (node, *arguments):
            state = state.then(*effects.of_expression(one, state.values))
        plain = text_of(node)
        parsed = None if plain is None else tree.statements(plain)
        if parsed and len(parsed) == 1:
            bindings: Bindings = {f"${n}": Computed(one, state.values) for n, one in enumerate(arguments, 1)}
            return state.then(*effects.of_statement(parsed[0], bindings)), parsed[0], bindings
        return state.then(Dynamic(node, tuple(arguments), state.values)), None, state.values

    def _call(self, statement: Json, state: State) -> list[State]:
        node = fragments.statement(_sql(statement["expr"]))
        state = state.then(*effects.of_statement(node, state.values))
        # Output arguments come back in the variables that are passed.
        for one in tree.walk(node):
            if isinstance(one, ast.ColumnRef):
                name, fields = state.find(names.parts(one))
                state = state.then(Assigns(name, Computed(node.funccall, state.values)))
                state = self._set(state, name, fields, self.unknown("an argument of a procedure"))
        return [state]

    def _diagnostics(self, statement: Json, state: State) -> list[State]:
        for one in statement["diag_items"]:
            name = self._datum(one["PLpgSQL_diag_item"]["target"])
            state = self._set(state, *state.find((name,)), self.unknown("diagnostics"))
        return [state]

    # Cursors

    def _open(self, statement: Json, state: State) -> list[State]:
        for key in ("argquery",):
            if key in statement:
                node = fragments.expression(_sql(statement[key]))
                passed = Assigns("", Computed(node, state.values))
                state = state.then(*effects.of_expression(node, state.values), passed)
        if "dynquery" in statement:
            return [self._text(statement, statement["dynquery"], state)[0]]
        if "query" in statement:
            node = fragments.statement(_sql(statement["query"]))
            return [state.then(*effects.of_statement(node, state.values))]
        cursor = self._cursors.get(self._datum(statement["curvar"]))
        if cursor is None:
            raise NotFollowedError("a cursor that is not followed")
        return [self._opened(cursor, state)]

    def _opened(self, cursor: Cursor, state: State) -> State:
        bindings = dict(state.values)
        for name in cursor.arguments:
            bindings[name] = self.unknown("an argument of a cursor")
        return state.then(*effects.of_statement(fragments.statement(cursor.query), bindings))

    def _fetch(self, statement: Json, state: State) -> list[State]:
        if "target" in statement:
            for parts in _targets(statement["target"])[0]:
                state = self._set(state, *state.find(parts), self.unknown("a row of a cursor"))
        return [state.bound(FOUND, self.unknown("whether a cursor gave a row"))]

    def _datum(self, number: int) -> str:
        name = self._datums[number] if 0 <= number < len(self._datums) else None
        if name is None:
            raise NotFollowedError("a variable that the parser does not tell")
        return name


_BREAK = Leaves(None, on=False)
"""How `_within` writes EXIT of the loop at hand."""


def _within(state: State, label: str | None) -> State:
    """An iteration that ends: of the loop at hand, CONTINUE is its end as any, and EXIT has no label."""
    if not isinstance(state.end, Leaves) or state.end.label not in {None, label}:
        return state
    return replace(state, end=None if state.end.on else _BREAK)


def _of_one(fails: Unknown, entry: State, found: Sequence[State]) -> Unknown:
    """Whether a block fails, with the expression that it takes, where all that the block does is to return one."""
    if len(found) != 1 or len(found[0].conditions) > len(entry.conditions):
        return fails
    (only,) = found
    done = only.steps[len(entry.steps) :]
    if not isinstance(only.end, Returned) or only.end.query or not all(isinstance(one, Calls) for one in done):
        return fails
    return replace(fails, fails=only.end.node, at=only.values)


def _past(state: State, label: str | None, outer: State) -> State:
    """The state behind a block: its variables are gone, and EXIT of its label has led there."""
    if isinstance(state.end, Leaves):
        here = label is not None and state.end == Leaves(label, on=False)
        return replace(state.left(outer), end=None if here else state.end)
    return state.left(outer) if state.end is None else state


def _found(node: Node, values: Bindings) -> tuple[Node | Exists | Unknown, bool]:
    """What a condition asks where it is FOUND or NOT FOUND, and whether it asks for that; else itself."""
    asked, holds = node, True
    if isinstance(node, ast.BoolExpr) and node.boolop == BoolExprType.NOT_EXPR:
        (asked,), holds = node.args or (None,), False
    if isinstance(asked, ast.ColumnRef) and names.parts(asked) == (FOUND,):
        value = values.get(FOUND)
        if isinstance(value, Exists | Unknown):
            return value, holds
    return node, True


def _targets(target: Json) -> tuple[list[tuple[str, ...]], bool]:
    """The dotted names of what a row is put into, and whether that is one that may take it as a whole."""
    ((kind, what),) = target.items()
    if kind == "PLpgSQL_rec":
        return [(what["refname"],)], True
    if kind != "PLpgSQL_row":
        raise NotFollowedError("a target that is not understood")
    targets = [tuple(one["name"].split(".")) for one in what["fields"]]
    return targets, len(targets) == 1


def _shared(every: Sequence[tuple[_T, ...]]) -> tuple[_T, ...]:
    """What all of them begin with."""
    for length, ones in enumerate(zip(*every, strict=False)):
        if any(one is not ones[0] for one in ones):
            return every[0][:length]
    return every[0][: min(len(one) for one in every)]


def _new_steps(start: State, found: Sequence[State]) -> list[Step]:
    """What was done since `start` in any of `found`: perhaps."""
    new: dict[int, Step] = {}
    for one in found:
        new.update((id(step), step) for step in one.steps[len(start.steps) :])
    return _maybe(tuple(new.values()))


def _maybe(steps: Sequence[Step]) -> list[Step]:
    return [replace(one, maybe=True) for one in steps]


def _sql(expression: Json) -> str:
    text = expression["PLpgSQL_expr"]["query"]
    if not isinstance(text, str):
        raise NotFollowedError("an expression that the parser does not tell")
    return text
