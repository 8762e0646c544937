"""Dynamic SQL that is made of pieces: what is known of the statement, and where a piece might be any SQL."""

from __future__ import annotations

import pytest

from rlsaudit.catalog.facts import Function, Parameter
from rlsaudit.policy import tree
from rlsaudit.policy.deeds.dynamic import HOLE, statements_of
from rlsaudit.policy.procedure import NotFollowed, paths
from rlsaudit.policy.procedure.path import Dynamic


def of(
    text: str, declared: str = "", given: tuple[str, ...] = (), returns: str = "void", *, rows: str = ""
) -> tuple[str, ...] | None:
    """The statements that `execute <text>` may run in a body with the parameter `a`, for each of these `rows`."""
    end = "return new;" if returns == "trigger" else ""
    run = f"for one in {rows} loop execute {text}; end loop" if rows else f"execute {text}"
    function = Function(
        oid=1,
        schema=1,
        name="f",
        kind="f",
        arguments="" if returns == "trigger" else "text",
        returns=returns,
        returns_set=False,
        language="plpgsql",
        owner=10,
        acl=(),
        security_definer=True,
        volatility="v",
        leakproof=False,
        settings=(),
        body=f"declare {declared} begin {run}; {end} end" if declared else f"begin {run}; {end} end",
        extension=None,
        parameters=() if returns == "trigger" else (Parameter("i", "a"),),
    )
    found = paths(function)
    assert not isinstance(found, NotFollowed)
    step, *_ = (step for path in found for step in path.steps if isinstance(step, Dynamic))
    parsed = statements_of(step, given, columns=bool(rows))
    return None if parsed is None else tuple(tree.text(one) for one in parsed)


@pytest.mark.parametrize(
    ("text", "relations"),
    [
        ("format('delete from t where x = %L', a)", {"t"}),
        ("'delete from t where x = ' || quote_literal(a)", {"t"}),
        ("format('select %I from plans', a)", {"plans"}),
        ("format('delete from s.%I where id = $1', a) using 1", {HOLE}),
        ("format('delete from s.q_%I', a)", {f"q_{HOLE}", "q_"}),
        ("format('select %s(x) from t where y = %L', case a when 'x' then 'max' else 'min' end, a)", {"t"}),
    ],
)
def test_what_is_quoted_is_a_name_or_a_value(text: str, relations: set[str]) -> None:
    found = of(text)
    assert found
    parsed = tree.statements("; ".join(found))
    assert {one.relname for one in tree.relations(parsed)} == relations


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "format('delete from t where x = %s', a)",
        "format(a, 1)",
        "'delete from t where x = ''' || a || ''''",
        # Quotes of its own end those that are around it.
        "format('delete from t where x = ''%L''', a)",
        "format('delete from t where x = ''%I''', a)",
        "format('delete from t where x = $$%L$$', a)",
        # A line break in a value ends the comment.
        "format('delete from t -- %L', a)",
        "format('select %I()', a)",
        "format('select 1::%I', a)",
        "format('with %I as (select 1) select 1', a)",
        "format('delete from t where x = %1$*2$s', a, 1)",
    ],
)
def test_what_is_not_quoted_in_its_place_may_be_any_sql(text: str) -> None:
    assert of(text) is None


def test_what_a_trigger_is_called_with_is_known() -> None:
    text = "format('select 1 from t where %I = 1 and ' || tg_argv[1], tg_argv[0])"
    assert of(text, given=("x", "y is null"), returns="trigger")
    assert of(text, returns="trigger") is None


NEW = "select * from json_each_text(row_to_json(new))"


@pytest.mark.parametrize(
    ("declared", "rows", "name"),
    [
        ("one record;", NEW, "one.key"),
        ("one record;", "select * from jsonb_each(to_jsonb(old))", "one.key"),
        ("one text;", "select jsonb_object_keys(to_jsonb(new))", "one"),
    ],
)
def test_a_column_of_the_row_stands_between_quotes(declared: str, rows: str, name: str) -> None:
    def found(template: str) -> tuple[str, ...] | None:
        return of(f"format('{template}', {name}, {name})", declared, (), "trigger", rows=rows)

    known = found('select ($1."%s" is distinct from $2."%s")')
    assert known is not None
    assert HOLE in known[0]
    # It may be a keyword, or have a space in it.
    assert found("select $1.%s") is None
    # In a text its quotes are no quotes.
    assert found('select $$"%s"$$') is None


@pytest.mark.parametrize(
    ("declared", "rows", "name"),
    [
        ("one record;", NEW, "one.value"),
        ("one record;", "select * from json_each_text(new.data)", "one.key"),
        ("one record;", "select * from jsonb_each(to_jsonb(new) || new.data)", "one.key"),
        ("one record;", "select key || '' as key from jsonb_each(to_jsonb(new))", "one.key"),
        ("one record;", "select * from jsonb_each(to_jsonb(new)) as u(value, key)", "one.key"),
        ("one record;", "select * from jsonb_each(to_jsonb(new.data))", "one.key"),
        ("one text;", "select jsonb_object_keys(new.data)", "one"),
    ],
)
def test_a_key_of_anything_else_may_have_quotes_in_it(declared: str, rows: str, name: str) -> None:
    assert of(f"format('select $1.\"%s\"', {name})", declared, (), "trigger", rows=rows) is None
