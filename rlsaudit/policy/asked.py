"""What a body asks before it does something: of what its caller gives it, and of who is calling.

A body in plpgsql is walked as it is run. Behind `if p not in ('a', 'b') then return; end if` the argument p is one of
two texts: it is settled. It does not matter whether the other way raises, returns, or puts a constant in its place. A
NULL or an empty text asks nothing of what p may be otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, NullTestType

from rlsaudit.policy import plpgsql, tree
from rlsaudit.policy.body import IDENTITY_CALLS, WHO, fragment
from rlsaudit.policy.procedure.fragments import NotFollowedError, assignment, constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

    Json: TypeAlias = Any
    """What the parser of PL/pgSQL gives."""
    Asks: TypeAlias = Callable[[tuple[str, ...]], bool]
    """Whether a function of the project's, by its name, asks who is calling, or fails for whom it does not like."""

_ERROR = 21
"""The level of RAISE from which on it ends the statement."""
_DYNAMIC = frozenset({"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"})
_LENGTHS = frozenset({"length", "char_length", "character_length", "octet_length", "array_length", "cardinality"})
_EVERYBODY = frozenset({"anon", "authenticated"})
"""The roles of clients: to ask for one of them asks nothing of who it is."""
_FOUND = "found"


@dataclass(frozen=True, slots=True)
class Asked:
    """What has been asked by then: names that are `settled`, and `who`: whether it was asked who is calling."""

    settled: frozenset[str] = frozenset()
    who: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement or an expression of a body. `runs` is whether it is a text that is run as SQL.

    `fills` are the variables that it gives a value.
    """

    sql: str
    asked: Asked
    runs: bool = False
    fills: tuple[str, ...] = ()
    returns: bool = False


def pieces_of(function: Function, asks: Asks, refuses: Asks = lambda _: False) -> tuple[Piece, ...] | None:
    """Returns the SQL of a body with what was asked before each of it; None where the body is not understood.

    `refuses` are functions that it is enough to call: what comes after them was not refused.
    """
    if function.language == "sql":
        parsed = tree.statements(plpgsql.plain(function.body))
        last = len(parsed or ()) - 1
        return parsed and tuple(Piece(tree.text(one), Asked(), returns=n == last) for n, one in enumerate(parsed))
    walk = _walked(function, asks, refuses)
    return None if walk is None else tuple(walk.found)


def refuses_others(function: Function, asks: Asks, refuses: Asks = lambda _: False) -> bool:
    """Whether a function fails for those whom it does not like, and asks who is calling on every way that it returns.

    One that returns a Boolean may say with it what it has found out.
    """
    if function.returns == "boolean":
        return False
    walk = _walked(function, asks, refuses)
    return walk is not None and walk.refused and bool(walk.ends) and all(one.who for one in walk.ends)


def _walked(function: Function, asks: Asks, refuses: Asks) -> _Walk | None:
    """A body that was walked from top to bottom; None where it is not in plpgsql, or not understood."""
    if function.language != "plpgsql":
        return None
    body = plpgsql.parsed(function.body, tuple(one.name for one in function.parameters if one.name), function.name)
    try:
        whole = body[0]["PLpgSQL_function"]
        walk = _Walk(asks, whole["datums"], refuses)
        end = walk.statement(whole["action"], walk.declared())
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
    walk.ends += [] if end is None else [end]
    return walk


def settles(node: Node, *, holds: bool) -> frozenset[str]:
    """Returns the names whose value is one of some that are known, or of some form, where a condition holds or not."""
    match node:
        case ast.BoolExpr(boolop=BoolExprType.NOT_EXPR, args=(inner,)):
            return settles(inner, holds=not holds)
        case ast.BoolExpr():
            each = [settles(one, holds=holds) for one in node.args or ()]
            together = (node.boolop == BoolExprType.AND_EXPR) == holds
            return frozenset().union(*each) if together else frozenset.intersection(*each)
        case ast.NullTest() if holds == (node.nulltesttype == NullTestType.IS_NULL):
            # What is NULL is no text at all.
            return _names(node.arg)
        case ast.BooleanTest():
            return _names(node.arg)
        case ast.SubLink() if holds:
            return _names(node)
        case ast.A_Expr():
            return _compared(node, holds=holds)
        case ast.ColumnRef() | ast.CaseExpr() | ast.CoalesceExpr():
            return _names(node)
        case ast.FuncCall() if tree.name(node.funcname)[-1] not in _LENGTHS:
            # Whatever else is asked of it may be enough.
            return _names(node)
        case _:
            return frozenset()


def _compared(node: Node, *, holds: bool) -> frozenset[str]:
    sides = [one for one in (node.lexpr, node.rexpr) if one is not None]
    if any(constant(tree.uncast(one)) == "" for one in sides):
        empty = node.kind == A_Expr_Kind.AEXPR_OP and tree.name(node.name)[-1] == "="
        return _names(sides) if empty and holds else frozenset()
    match node.kind:
        case A_Expr_Kind.AEXPR_OP | A_Expr_Kind.AEXPR_OP_ANY | A_Expr_Kind.AEXPR_IN | A_Expr_Kind.AEXPR_OP_ALL:
            operator = tree.name(node.name)[-1]
            if operator in {"=", "<>", "!="}:
                return _names(sides) if holds == (operator == "=") else frozenset()
            if operator in {"<", ">", "<=", ">="}:
                return frozenset(name for one in sides if not isinstance(one, ast.ColumnRef) for name in _within(one))
        case A_Expr_Kind.AEXPR_DISTINCT | A_Expr_Kind.AEXPR_NOT_DISTINCT:
            return _names(sides) if holds == (node.kind == A_Expr_Kind.AEXPR_NOT_DISTINCT) else frozenset()
        case _:
            pass
    # A pattern may tell what is right, or what is wrong.
    return _names(sides)


def _within(node: Node) -> frozenset[str]:
    """The names that a call is given, which is none that only counts how long something is."""
    return settles(node, holds=True) if isinstance(node, ast.FuncCall) else frozenset()


def _names(node: Node) -> frozenset[str]:
    """The first names of all references below a node, and the numbers of parameters."""
    found = set[str]()
    for one in tree.walk(node):
        match one:
            case ast.ColumnRef(fields=(ast.String(sval=str() as name), *_)):
                found.add(name.lower())
            case ast.ParamRef():
                found.add(f"${one.number}")
            case _:
                pass
    return frozenset(found)


class _Walk:
    """One body, from top to bottom; what is found is in `found`.

    `ends` are the ways that it returns by, with what was asked on them; `refused` is whether it fails for somebody.
    """

    def __init__(self, asks: Asks, datums: Sequence[Json], refuses: Asks = lambda _: False) -> None:
        self.ends: list[Asked] = []
        self.refused = False
        self._refuses = refuses
        self._asks = asks
        self._datums = datums
        self._filled: dict[str, list[Node]] = {}
        self._looked: list[Node] = []
        self._cases: dict[str, str] = {}
        self.found: list[Piece] = []

    def declared(self) -> Asked:
        """What variables begin as."""
        for one in self._datums:
            variable = one.get("PLpgSQL_var", {})
            default = variable.get("default_val", {}).get("PLpgSQL_expr", {}).get("query")
            if default:
                self._fill(variable["refname"].lower(), default, Asked())
        return Asked()

    def statement(self, statement: Json, asked: Asked) -> Asked | None:
        """Takes one statement, and returns what has been asked after it; None where nothing comes after it."""
        ((kind, value),) = statement.items()
        match kind:
            case "PLpgSQL_stmt_block":
                after = self._list(value.get("body", ()), asked)
                caught = value.get("exceptions", {}).get("PLpgSQL_exception_block", {}).get("exc_list", ())
                ends = [self._list(one["PLpgSQL_exception"].get("action", ()), asked) for one in caught]
                return _either([after, *ends])
            case "PLpgSQL_stmt_if":
                others = [one["PLpgSQL_if_elsif"] for one in value.get("elsif_list", ())]
                ways = [
                    (value["cond"], value.get("then_body", ())),
                    *((one["cond"], one.get("stmts", ())) for one in others),
                ]
                return self._ways(ways, value.get("else_body", ()), asked)
            case "PLpgSQL_stmt_case":
                return self._case(value, asked)
            case "PLpgSQL_stmt_assert":
                return self._under(value["cond"], asked, holds=True)
            case "PLpgSQL_stmt_return" | "PLpgSQL_stmt_exit":
                self._note(value, Piece("", asked, returns=True))
                self.ends += [asked] if kind == "PLpgSQL_stmt_return" else []
                # EXIT WHEN goes on where its condition does not hold.
                return self._under(value["cond"], asked, holds=False) if "cond" in value else None
            case "PLpgSQL_stmt_raise":
                self._note(value, Piece("", asked))
                fails = value.get("elog_level", _ERROR) >= _ERROR
                self.refused |= fails and asked.who
                return None if fails else asked
            case _:
                return self._other(kind, value, asked)

    def _other(self, kind: str, value: Json, asked: Asked) -> Asked:
        before = len(self.found)
        if kind == "PLpgSQL_stmt_assign":
            asked = self._assigned(value["expr"]["PLpgSQL_expr"]["query"], asked)
        elif value.get("into") or kind in {"PLpgSQL_stmt_fors", "PLpgSQL_stmt_dynfors"}:
            fills = tuple(_filled(value.get("target") or value.get("var")))
            self._note(value, Piece("", asked, kind in _DYNAMIC, fills))
            asked = replace(asked, settled=asked.settled - set(fills))
        else:
            returns = kind.startswith("PLpgSQL_stmt_return")
            self._note(value, Piece("", asked, kind in _DYNAMIC, returns=returns))
        if self.found[before:] and any(self._is_refusing(one) for one in self.found[before:]):
            asked = replace(asked, who=True)
        inside = self._under(value["cond"], asked, holds=True) if kind == "PLpgSQL_stmt_while" else asked
        self._list(value.get("body", ()), inside)
        return asked

    def _is_refusing(self, piece: Piece) -> bool:
        """Whether a statement surely calls a function that fails for whom it does not like: not for rows alone."""
        called = []
        for node in () if piece.runs else fragment(piece.sql) or ():
            from_rows = isinstance(node, ast.SelectStmt) and node.fromClause is not None
            target = None if from_rows else tree.lone_target(node)
            called += [target] if isinstance(target, ast.FuncCall) else []
        return any(self._refuses(tree.name(one.funcname)) for one in called)

    def _list(self, statements: Iterable[Json], asked: Asked) -> Asked | None:
        now: Asked | None = asked
        for one in statements:
            if now is None:
                break
            now = self.statement(one, now)
        return now

    def _ways(
        self, ways: Sequence[tuple[Json, Iterable[Json]]], otherwise: Iterable[Json] | None, asked: Asked
    ) -> Asked | None:
        ends: list[Asked | None] = []
        for condition, body in ways:
            self._piece(Piece(condition["PLpgSQL_expr"]["query"], asked))
            ends.append(self._list(body, self._under(condition, asked, holds=True)))
            asked = self._under(condition, asked, holds=False)
        if otherwise is not None:
            ends.append(self._list(otherwise, asked))
        return _either(ends)

    def _case(self, value: Json, asked: Asked) -> Asked | None:
        if "t_expr" in value:
            name = self._datums[value["t_varno"]]["PLpgSQL_var"]["refname"]
            self._cases[f'"{name}"'] = value["t_expr"]["PLpgSQL_expr"]["query"]
        whens = [one["PLpgSQL_case_when"] for one in value["case_when_list"]]
        ways = [(one["expr"], one.get("stmts", ())) for one in whens]
        # Without ELSE it is an error that nothing fits.
        return self._ways(ways, value.get("else_stmts", ()) if value.get("have_else") else None, asked)

    def _under(self, condition: Json, asked: Asked, *, holds: bool) -> Asked:
        """What has been asked where a condition holds, or does not."""
        text = condition["PLpgSQL_expr"]["query"]
        for name, meant in self._cases.items():
            text = text.replace(name, f"({meant}\n)")
        node = tree.expression(text)
        if node is None:
            return asked
        names = settles(node, holds=holds)
        # What a variable was made of is as settled as it is, where that was a comparison or a look-up.
        more = {name for one in _names(node) for source in self._sources(one) for name in _compared_in(source)}
        return Asked(asked.settled | names | more, asked.who or self.asks_who(node))

    def _sources(self, name: str) -> Iterator[Node]:
        yield from self._filled.get(name, ())
        if name == _FOUND:
            yield from self._looked

    def _assigned(self, query: str, asked: Asked) -> Asked:
        try:
            names, _, value = assignment(query)
        except NotFollowedError:
            self.found.append(Piece(query, asked))
            return asked
        name = names[0].lower()
        settled = not _names(value) - asked.settled and not any(
            isinstance(one, ast.SubLink) for one in tree.walk(value)
        )
        self._filled.setdefault(name, []).append(value)
        self.found.append(Piece(f"select {tree.text(value)}", asked, fills=(name,)))
        return replace(asked, settled=asked.settled | {name} if settled else asked.settled - {name})

    def _fill(self, name: str, default: str, asked: Asked) -> None:
        self._filled.setdefault(name, []).extend(fragment(default) or ())
        self.found.append(Piece(f"select {default}", asked, fills=(name,)))

    def _note(self, value: Json, like: Piece) -> None:
        """Notes the SQL of one statement; of what is run as SQL only the query is, the rest are values for it."""
        for key, one in value.items():
            parts = one if key in {"params", "argquery"} and isinstance(one, list) else [one]
            for each in parts:
                if isinstance(each, dict) and isinstance(each.get("PLpgSQL_expr", {}).get("query"), str):
                    sql = each["PLpgSQL_expr"]["query"]
                    self._piece(replace(like, sql=sql, runs=(like.runs and key == "query") or key == "dynquery"))

    def _piece(self, piece: Piece) -> None:
        if not piece.runs:
            nodes = fragment(piece.sql) or ()
            for name in piece.fills:
                self._filled.setdefault(name, []).extend(nodes)
            self._looked.extend(nodes)
        self.found.append(piece)

    def asks_who(self, node: Node) -> bool:
        """Whether a condition asks who is calling, beyond that somebody does."""
        waiting, seen = [node], set[str]()
        while waiting:
            current = waiting.pop()
            match current:
                case ast.NullTest():
                    # That somebody is there says nothing; that something was found for whoever calls does.
                    looked = [one for name in _names(current) - seen for one in self._sources(name) if _looks_up(one)]
                    seen |= _names(current)
                    waiting.extend(looked)
                    continue
                case ast.A_Expr() if _is_everybody(current):
                    continue
                case ast.SQLValueFunction(op=op) if op in WHO:
                    return True
                case ast.FuncCall():
                    name = tree.name(current.funcname)
                    if name in IDENTITY_CALLS or self._asks(name):
                        return True
                case ast.ColumnRef():
                    for variable in _names(current) - seen:
                        seen.add(variable)
                        waiting.extend(self._sources(variable))
                case _:
                    pass
            if isinstance(current, tuple | list):
                waiting.extend(current)
            elif isinstance(current, ast.Node):
                waiting.extend(getattr(current, part) for part in current)
        return False


def _either(ends: Iterable[Asked | None]) -> Asked | None:
    """What has been asked whichever way was taken."""
    left = [one for one in ends if one is not None]
    if not left:
        return None
    return Asked(frozenset.intersection(*(one.settled for one in left)), all(one.who for one in left))


def _compared_in(node: Node) -> frozenset[str]:
    """What a query or an expression asks: names in its conditions."""
    found = frozenset[str]()
    for one in tree.walk(node):
        if isinstance(one, ast.SelectStmt) and one.whereClause is not None:
            found |= settles(one.whereClause, holds=True)
        elif isinstance(one, ast.A_Expr | ast.BoolExpr):
            found |= settles(one, holds=True) if tree.name(getattr(one, "name", None) or ()) != ("||",) else frozenset()
    return found


def _looks_up(node: Node) -> bool:
    """Whether a value is read from rows."""
    return any(isinstance(one, ast.SelectStmt) and one.fromClause is not None for one in tree.walk(node))


def _is_everybody(node: Node) -> bool:
    return any(constant(tree.uncast(one)) in _EVERYBODY for one in (node.lexpr, node.rexpr) if one is not None)


def _filled(target: Json) -> Iterator[str]:
    for kind, value in plpgsql.pairs(target):
        if kind in {"PLpgSQL_rec", "PLpgSQL_var"} and isinstance(value, dict):
            yield value["refname"].lower()
        elif kind == "fields":
            yield from (one["name"].lower() for one in value)


def unasked(function: Function, asks: Asks, refuses: Asks = lambda _: False) -> frozenset[str]:
    """Returns the queries of a body, as plain SQL, that come out alike whoever calls, and that nobody is kept from."""
    walk = _Walk(asks, ())
    found = set[str]()
    for piece in pieces_of(function, asks, refuses) or ():
        nodes = fragment(piece.sql) or ()
        if not piece.runs and not piece.asked.who and not any(walk.asks_who(one) for one in nodes):
            found |= {tree.text(one) for one in nodes}
    return frozenset(found)
