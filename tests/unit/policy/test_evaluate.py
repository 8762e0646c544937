"""Values against the server, for expressions that are built by hand: each is written as SQL and computed there too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.connect import connect
from rlsaudit.names import literal
from rlsaudit.policy.evaluate import EvaluationError, Json, State, Unknown, evaluate
from rlsaudit.policy.evaluate.text import to_text
from rlsaudit.policy.expr import (
    BOOLEAN,
    FALSE,
    INTEGER,
    NULL,
    TEXT,
    TRUE,
    UUID,
    Aggregate,
    And,
    AnyRow,
    Call,
    Case,
    Const,
    Expr,
    Field,
    Given,
    IsNull,
    IsTrue,
    Lookup,
    Not,
    Opaque,
    Or,
    Query,
    Source,
    Type,
    Who,
    type_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

BIG, NUMERIC, JSONB, JSON, TEXTS = Type("bigint"), Type("numeric"), Type("jsonb"), Type("json"), Type("text[]")
NUMBERS, DATE, ZONED, SPAN = Type("integer[]"), Type("date"), Type("timestamp with time zone"), Type("interval")
ID = "a1111111-1111-4111-8111-111111111111"
STATE = State(utc=True)


def text(value: str | None) -> Const:
    return Const(value, TEXT)


def number(value: int | None) -> Const:
    return Const(None if value is None else str(value), INTEGER)


def call(name: str, *args: Expr, of: Type = TEXT) -> Call:
    return Call(name, args, of)


def cast(value: Expr, to: Type) -> Call:
    return Call(f"::{to.name}", (value,), to)


def sql(expression: Expr) -> str:
    """An expression without rows, as SQL."""
    match expression:
        case Const(value, kind):
            return f"{'null' if value is None else literal(value)}::{kind.name}"
        case Not(operand):
            return f"(not {sql(operand)})"
        case And(operands):
            return f"({' and '.join(map(sql, operands))})"
        case Or(operands):
            return f"({' or '.join(map(sql, operands))})"
        case IsNull(operand):
            return f"({sql(operand)} is null)"
        case IsTrue(operand):
            return f"({sql(operand)} is true)"
        case Case(branches, default):
            inner = " ".join(f"when {sql(met)} then {sql(value)}" for met, value in branches)
            return f"(case {inner} else {sql(default)} end)"
        case Call(name, args):
            return _call(name, [sql(one) for one in args])
        case _:
            raise NotImplementedError


def _call(name: str, args: list[str]) -> str:
    if name.startswith("::"):
        return f"({args[0]}){name}"
    if name == "ARRAY":
        return f"array[{', '.join(args)}]"
    if name == "[]":
        return f"({args[0]})[{args[1]}]"
    if name.endswith("()"):
        return f"{name[:-2]}({', '.join(args)})"
    if name.endswith((" ANY", " ALL")):
        return f"({args[0]} {name} ({args[1]}))"
    return f"({args[0]} {name} {args[1]})" if len(args) > 1 else f"({name} {args[0]})"


TRUTHS = (TRUE, FALSE, NULL)
DOCUMENT = Const('{"a": 1, "b": {"c": [true, null, "x"]}, "n": null, "s": "5", "f": 1.50}', JSONB)
AS_TEXT = {
    UUID: (ID, ID.upper(), f"{{{ID}}}", ID.replace("-", ""), f" {ID}", "x", "", f"{ID}0", ID.replace("-", "", 1)),
    BOOLEAN: ("t", "true", "TRU", "yes", "y", "on", "of", "o", "1", "0", " f ", "", "maybe", "10"),
    INTEGER: ("5", " -5 ", "+5", "2147483647", "2147483648", "", "5.0", "x", "٣"),
    BIG: ("9223372036854775807", "9223372036854775808"),
    NUMERIC: ("5", "5.50", " .5 ", "5.", "-0.0", "x", "", ".", "1 2"),
    TEXTS: ("{}", "{a,b}", '{"a b",null,"null",NULL}', '{ a , "b\\"c" }', "x", "{a"),
    NUMBERS: ("{1,2}", "{1,x}", "{NULL}"),
    JSONB: ('{"b": 1, "aa": [1.0, "é"]}', "[]", '"x"', "nul", "", "{'a': 1}", '{"a": 1,}', "1.50", "-0"),
    DATE: ("2024-02-29",),
}
ARRAYS = ("{}", "{a}", "{a,b}", "{b,NULL}", "{NULL}")
CASES: tuple[Expr, ...] = (
    *(Not(one) for one in TRUTHS),
    *(of((one, other)) for of in (And, Or) for one in TRUTHS for other in TRUTHS),
    *(of(one) for of in (IsNull, IsTrue) for one in TRUTHS),
    Case(((NULL, text("a")), (TRUE, text("b"))), text("c"), TEXT),
    Case(((NULL, text("a")),), text("c"), TEXT),
    *(cast(text(one), kind) for kind, words in AS_TEXT.items() for one in words),
    *(cast(text(None), kind) for kind in AS_TEXT),
    *(cast(cast(text(words[0]), kind), TEXT) for kind, words in AS_TEXT.items() if kind != DATE),
    *(cast(cast(text(one), NUMERIC), INTEGER) for one in ("2.5", "-2.5", "0.4", "3000000000")),
    *(cast(Const(one, JSONB), kind) for one in ("true", "5.5", '"5"') for kind in (BOOLEAN, INTEGER, NUMERIC)),
    cast(number(2), BOOLEAN),
    cast(TRUE, INTEGER),
    cast(TRUE, TEXT),
    Call("::character varying(2)", (text("abc"),), Type("character varying")),
    *(
        call(name, number(one), number(other), of=INTEGER)
        for name in ("+", "-", "*", "/", "%")
        for one, other in ((7, 2), (-7, 2), (7, -2), (7, 0), (None, 0), (2147483647, 2))
    ),
    *(
        call(name, Const("1.50", NUMERIC), Const(one, NUMERIC), of=NUMERIC)
        for name in ("+", "-", "*", "/")
        for one in ("1.5", "0")
    ),
    call("-", number(-2147483648), of=INTEGER),
    *(
        call(name, one, other, of=BOOLEAN)
        for name in ("=", "<>", "<", ">=")
        for one, other in (
            (number(1), Const("1.0", NUMERIC)),
            (number(1), number(None)),
            (Const(ID, UUID), Const(ID.upper(), UUID)),
            (Const("f", BOOLEAN), TRUE),
            (Const("2024-01-01", DATE), Const("2024-01-01 12:00:00+00", ZONED)),
            (Const("infinity", ZONED), Const("2024-01-01 12:00:00+00", ZONED)),
            (Const("1 mon", SPAN), Const("30 days", SPAN)),
        )
    ),
    *(
        call(name, text(word), text(pattern), of=BOOLEAN)
        for name in ("~~", "!~~", "~~*")
        for word, pattern in (
            ("abc", "a%"), ("abc", "A_C"), ("a%c", "a\\%c"), ("abc", ""), ("", "%"), ("a\nb", "a_b"), ("a\\", "a\\\\"),
            ("aab", "%ab"), ("abc", "%b"),
        )
    ),
    *(
        call(name, text(word), text(pattern), of=BOOLEAN)
        for name in ("~", "!~", "~*")
        for word, pattern in (
            ("abc", "^a"), ("abc", "C$"), ("a\n", "a$"), ("a\nb", "a.b"), ("abc", "b+c?$"), ("abc", "^[a-c]{3}$"),
            ("ab", "^(a|b)+$"), ("12", "^\\d+$"), ("a]", "]"), ("ab", "a{0}b"),
        )
    ),
    *(
        call(name, one, Const(array, TEXTS), of=BOOLEAN)
        for name in ("= ANY", "<> ALL", "~~ ANY")
        for one in (text("a"), text(None))
        for array in ARRAYS
    ),
    call("= ANY", text("a"), Const(None, TEXTS), of=BOOLEAN),
    *(
        call(name, Const(one, TEXTS), Const(other, TEXTS), of=BOOLEAN)
        for name in ("@>", "<@", "&&", "=", "<>")
        for one in ARRAYS
        for other in ARRAYS
    ),
    *(call("||", Const("{a}", TEXTS), other, of=TEXTS) for other in (text("b"), text(None), Const("{b}", TEXTS))),
    *(call("[]", Const("{a,b}", TEXTS), number(one)) for one in (-1, 0, 1, 2, 3, None)),
    *(call(f"{name}()", Const(one, TEXTS), of=INTEGER) for name in ("cardinality",) for one in ARRAYS),
    *(call("array_length()", Const(one, TEXTS), number(of), of=INTEGER) for one in ARRAYS for of in (0, 1, 2)),
    call("array_append()", Const(None, TEXTS), text("a"), of=TEXTS),
    call("array_remove()", Const("{a,NULL}", TEXTS), text(None), of=TEXTS),
    call("array_to_string()", Const("{a,NULL,b}", TEXTS), text("-")),
    call("array_to_string()", Const("{a,NULL,b}", TEXTS), text("-"), text("?")),
    *(
        call("string_to_array()", text(word), text(by), of=TEXTS)
        for word in ("a/b", "", "/", None)
        for by in ("/", "", None)
    ),
    *(
        call("split_part()", text(word), text(by), number(of))
        for word in ("a/b/c", "")
        for by in ("/", "")
        for of in (-4, -1, 0, 1, 2, 4)
    ),
    *(call(f"{name}()", text("abc"), number(one)) for name in ("left", "right") for one in (-5, -1, 0, 2, 5)),
    *(call("substr()", text("abc"), number(one)) for one in (-1, 0, 1, 3, 9)),
    *(call("substr()", text("abc"), number(one), number(of)) for one in (-1, 0, 2) for of in (-1, 0, 1, 9)),
    *(call(f"{name}()", text(" xaxx ")) for name in ("btrim", "ltrim", "rtrim", "upper", "reverse", "md5", "length")),
    *(call(f"{name}()", text("xax"), text("x")) for name in ("btrim", "ltrim", "rtrim")),
    call("replace()", text("aba"), text(""), text("x")),
    call("strpos()", text("aba"), text(""), of=INTEGER),
    call("concat()", text("a"), text(None), TRUE, number(5)),
    call("concat_ws()", text("-"), text(None), text("a"), TRUE),
    call("concat_ws()", text(None), text("a")),
    *(call(f"{name}()", text("ab"), number(one)) for name in ("lpad", "rpad") for one in (-1, 0, 1, 4)),
    *(call(f"{name}()", text("ab"), number(5), text(one)) for name in ("lpad", "rpad") for one in ("", "xy")),
    call("repeat()", text("ab"), number(-1)),
    call("greatest()", number(None), number(2), number(3), of=INTEGER),
    call("least()", number(None), number(None), of=INTEGER),
    *(call(name, DOCUMENT, text(key), of=kind) for name, kind in (("->", JSONB), ("->>", TEXT)) for key in "abnsfz"),
    *(
        call(name, Const(one, JSONB), number(index), of=kind)
        for name, kind in (("->", JSONB), ("->>", TEXT))
        for one in ('["a", null]', "{}", "5")
        for index in (-3, -1, 0, 1, 2)
    ),
    *(
        call(name, DOCUMENT, Const(path, TEXTS), of=kind)
        for name, kind in (("#>", JSONB), ("#>>", TEXT))
        for path in ("{b,c,0}", "{b,c,1}", "{b,c,-1}", "{b,c,x}", "{}", "{b,NULL}", "{a,0}")
    ),
    *(call("?", Const(one, JSONB), text("a"), of=BOOLEAN) for one in ('{"a": 1}', '["a"]', '"a"', '[["a"]]', "5")),
    *(
        call("@>", Const(one, JSONB), Const(other, JSONB), of=BOOLEAN)
        for one in ('["a", [1], {"b": {"c": 1}}]', '{"b": {"c": 1, "d": []}}', '"a"', "1.0")
        for other in ('["a"]', '"a"', "[[1]]", "[[]]", "[]", "{}", '{"b": {"c": 1.0}}', '{"b": {}}', '{"b": []}', "1")
    ),
    *(call("=", Const(one, JSONB), Const("1", JSONB), of=BOOLEAN) for one in ("1.0", "true", '"1"', "[1]")),
    call("->>", Const('{"a":  {"b" :1}, "c": 1.0}', JSON), text("c")),
    *(
        call("=", call("+", Const(one, ZONED), Const(span, SPAN), of=ZONED), Const("2024-02-29 00:00:00+00", ZONED),
             of=BOOLEAN)
        for one in ("2024-01-31 00:00:00+00", "2023-02-28 00:00:00+00")
        for span in ("1 mon", "1 year 1 day", "29 days", "-02:00:00")
    ),
    call("+", number(1), cast(text("x"), INTEGER), of=INTEGER),
    call("+", number(None), cast(text("x"), INTEGER), of=INTEGER),
    And((FALSE, call("=", cast(text("x"), INTEGER), number(1), of=BOOLEAN))),
    And((NULL, call("=", cast(text("x"), INTEGER), number(1), of=BOOLEAN))),
)  # fmt: skip


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.create_database("values_by_hand")) as opened:
        opened.execute("set timezone to 'UTC'")
        yield opened
    server.drop_database("values_by_hand")


@pytest.mark.parametrize("expression", CASES, ids=sql)
def test_a_value_is_the_servers(session: Session, expression: Expr) -> None:
    try:
        expected = session.fetch_value(f"select ({sql(expression)})::text")
    except psycopg.Error as error:
        expected = f"failed {error.sqlstate}"
    try:
        value = evaluate(expression, STATE)
    except EvaluationError as error:
        answer: object = f"failed {error.code}"
    else:
        answer = value if isinstance(value, Unknown) else to_text(value, type_of(expression))
    if answer is Unknown.VALUE:
        assert not str(expected).startswith("failed")
    elif answer is not Unknown.ANYTHING:
        assert answer == expected


def test_most_of_them_are_known() -> None:
    unknown = 0
    for one in CASES:
        try:
            unknown += isinstance(evaluate(one, STATE), Unknown)
        except EvaluationError:
            continue
    assert unknown < len(CASES) / 10


TABLE = 7
A, B = Field(1, TABLE, 1, "a", INTEGER, nullable=True), Field(1, TABLE, 2, "b", TEXT, nullable=True)
ROWS = Query((Source(1, TABLE, "t"),), call("=", B, text("x"), of=BOOLEAN))
IS_ONE = call("=", A, number(1), of=BOOLEAN)


@pytest.mark.parametrize(
    ("rows", "any_row", "lookup", "total"),
    [
        ([], False, None, None),
        ([(1, "y"), (1, None)], False, None, None),
        ([(2, "x")], False, 2, 2),
        ([(None, "x")], None, None, None),
        ([(None, "x"), (1, "x")], True, EvaluationError, 1),
        ([(2, "x"), (2, "x")], False, EvaluationError, 4),
    ],
)
def test_queries(rows: list[tuple[int | None, str | None]], any_row: object, lookup: object, total: object) -> None:
    state = State(tables={TABLE: [{1: a, 2: b} for a, b in rows]})
    matching = sum(b == "x" for _, b in rows)
    assert evaluate(AnyRow(ROWS, IS_ONE), state) is any_row
    assert evaluate(AnyRow(ROWS, TRUE), state) is bool(matching)
    assert evaluate(Aggregate("count", None, ROWS, BIG), state) == matching
    assert evaluate(Aggregate("count", A, ROWS, BIG), state) == sum(a is not None and b == "x" for a, b in rows)
    assert evaluate(Aggregate("sum", A, ROWS, BIG), state) == total
    strict = Lookup(ROWS, A, strict=True, type=INTEGER)
    if lookup is EvaluationError:
        with pytest.raises(EvaluationError, match="more than one row"):
            evaluate(strict, state)
    else:
        assert evaluate(strict, state) == lookup


def test_what_may_not_be_told() -> None:
    state = State(tables={TABLE: [{1: 1, 2: "x"}, {1: 2, 2: "x"}]}, row={1: "5"})
    lost = Opaque("k", "lost", BOOLEAN)
    bad = call("=", cast(B, INTEGER), number(1), of=BOOLEAN)
    here = Field(0, 9, 1, "c", TEXT, nullable=True)
    assert evaluate(Lookup(ROWS, A, strict=False, type=INTEGER), state) is Unknown.VALUE
    assert evaluate(AnyRow(Query(ROWS.sources, ROWS.where, exact=False), TRUE), state) is Unknown.VALUE
    # It may be an error, so nothing decides beside it.
    assert evaluate(And((FALSE, lost)), state) is Unknown.ANYTHING
    assert evaluate(AnyRow(Query(ROWS.sources, And((FALSE, bad))), TRUE), state) is Unknown.ANYTHING
    # The order of texts is the collation's, and no error.
    assert evaluate(And((FALSE, call("<", here, text("a"), of=BOOLEAN))), state) is False
    # A branch that is not taken is not computed, unless it reads no row.
    assert evaluate(Case(((FALSE, cast(B, INTEGER)),), number(1), INTEGER), state) == 1
    assert evaluate(Case(((FALSE, cast(text("x"), INTEGER)),), number(1), INTEGER), state) is Unknown.ANYTHING


def test_what_a_request_brings() -> None:
    claim = Given(Who.SERVER, "app_metadata.orgs", JSONB, nullable=True)
    state = State(given={(Who.SERVER, "app_metadata.orgs"): Json(["a"]), (Who.IDENTITY, "sub"): ID})
    assert evaluate(call("?", claim, text("a"), of=BOOLEAN), state) is True
    assert evaluate(Given(Who.IDENTITY, "sub", UUID, nullable=False), state) == ID
    absent = Given(Who.CLIENT, "email", TEXT, nullable=False)
    assert evaluate(absent, state) is Unknown.VALUE
    assert evaluate(IsNull(absent), state) is False
