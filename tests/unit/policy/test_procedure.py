"""Bodies as projects write them, and the ways through each: conditions, what is done, how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pglast import ast

from rlsaudit.catalog.facts import Function, Parameter
from rlsaudit.policy import tree
from rlsaudit.policy.body import body_of
from rlsaudit.policy.procedure import Conflict, NotFollowed, Path, conflict_of, lookup, paths, value
from rlsaudit.policy.procedure.path import (
    Argument,
    Assigns,
    Calls,
    Changed,
    Computed,
    Condition,
    Dynamic,
    Event,
    Exists,
    FellOff,
    FirstRow,
    Gives,
    Other,
    Raised,
    Reads,
    Returned,
    Sets,
    SomeRow,
    Unknown,
    Writes,
)
from rlsaudit.policy.procedure.walk import JOINED

PLAIN = Function(
    oid=1, schema=1, name="f", kind="f", arguments="", returns="boolean", returns_set=False, language="plpgsql",
    owner=1, acl=(), security_definer=False, volatility="s", leakproof=False, settings=(), body="", extension=None,
)  # fmt: skip
LOOKUP = "select role into v_role from members where id = p_id"


def function(
    body: str,
    returns: str = "boolean",
    parameters: str = "",
    *,
    language: str = "plpgsql",
    returns_set: bool = False,
) -> Function:
    """`parameters` as `p_id uuid, out n integer`."""
    modes = {"out": "o", "inout": "b", "table": "t"}
    named, types = [], []
    for one in filter(None, parameters.split(", ")):
        words = one.split()
        mode = modes.get(words[0], "i")
        name, kind = words[-2:]
        named.append(Parameter(mode, name))
        types += [kind] if mode in "ib" else []
    made = replace(PLAIN, body=body, returns=returns, parameters=tuple(named), arguments=", ".join(types))
    return replace(made, language=language, returns_set=returns_set)


def shown(found: tuple[Path, ...] | NotFollowed) -> set[str]:
    """Each path as `condition; … | step; … | end`, with `!` where a condition must not hold, `?` for what is maybe."""
    assert not isinstance(found, NotFollowed), found.reason
    lines = [
        " | ".join(
            (
                "; ".join(("" if one.holds else "!") + asked(one) for one in path.conditions),
                "; ".join(step for one in path.steps if (step := done(one))),
                ended(path),
            )
        )
        for path in found
    ]
    assert len(set(lines)) == len(lines)
    return set(lines)


def asked(condition: Condition) -> str:
    match condition.test:
        case Exists(query):
            return f"exists({tree.text(query)})".lower()
        case Unknown(reason):
            return f"<{reason}>"
        case node:
            return tree.text(node)


def done(step: object) -> str:
    """A step in short; what it reads and assigns is asked for elsewhere."""
    maybe = "?" if getattr(step, "maybe", False) else ""
    match step:
        case Writes(statement):
            return f"{type(statement).__name__.removesuffix('Stmt').lower()}{maybe}"
        case Calls(call):
            return f"{'.'.join(tree.name(call.funcname))}(){maybe}"
        case Sets(name):
            return f"set {name}{maybe}"
        case Dynamic(text):
            return f"run {tree.text(text)}{maybe}"
        case Gives(None | Dynamic()):
            return f"give{maybe}"
        case Gives(given):
            return f"give {tree.text(given)}{maybe}"
        case Other(statement):
            return type(statement).__name__ + maybe
        case _:
            return ""


def ended(path: Path) -> str:
    match path.end:
        case Returned(None):
            return "return"
        case Returned(node):
            return f"return {tree.text(node)}"
        case Raised(sqlstate, message):
            return f"raise {sqlstate} {message or ''}".strip()
        case FellOff():
            return "fell off"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("begin return true; end", {" |  | return TRUE"}, id="constant"),
        pytest.param(
            "begin return exists (select 1 from admins where id = auth.uid()); end",
            {" | auth.uid() | return EXISTS (SELECT 1 FROM admins WHERE id = auth.uid())"},
            id="is_admin",
        ),
        pytest.param(
            "begin if exists (select 1 from m where u = auth.uid()) then return true; end if; return false; end",
            {
                "EXISTS (SELECT 1 FROM m WHERE u = auth.uid()) | auth.uid() | return TRUE",
                "!EXISTS (SELECT 1 FROM m WHERE u = auth.uid()) | auth.uid() | return FALSE",
            },
            id="is_member",
        ),
        pytest.param(
            f"declare v_role public.app_role; begin {LOOKUP}; return v_role = 'admin'; end",
            {" |  | return v_role = 'admin'"},
            id="has_role",
        ),
        pytest.param(
            f"declare v_role text; begin {LOOKUP}; if not found then return false; end if; return v_role = 'a'; end",
            {
                "!exists(select role from members where id = p_id) |  | return FALSE",
                "exists(select role from members where id = p_id) |  | return v_role = 'a'",
            },
            id="found",
        ),
        pytest.param(
            f"declare v_role text; begin {LOOKUP}; if v_role is null then raise exception 'who' using errcode='42501';"
            " elsif v_role = 'admin' then return true; else return false; end if; end",
            {
                "v_role IS NULL |  | raise 42501 who",
                "!v_role IS NULL; v_role = 'admin' |  | return TRUE",
                "!v_role IS NULL; !v_role = 'admin' |  | return FALSE",
            },
            id="elsif",
        ),
        pytest.param(
            "begin case p_id when 'a', 'b' then return true; else return false; end case; end",
            {
                "\"__Case__Variable_2__\" IN ('a', 'b') |  | return TRUE",
                "!\"__Case__Variable_2__\" IN ('a', 'b') |  | return FALSE",
            },
            id="case",
        ),
        pytest.param(
            "begin case when p_id = 'a' then return true; end case; end",
            {"p_id = 'a' |  | return TRUE", "!p_id = 'a' |  | raise 20000 case not found"},
            id="case without else",
        ),
        pytest.param("begin if p_id is null then return false; end if; end", {
            "p_id IS NULL |  | return FALSE", "!p_id IS NULL |  | fell off",
        }, id="fell off"),
        pytest.param("begin raise notice 'here %', p_id; return true; end", {" |  | return TRUE"}, id="notice"),
        pytest.param("begin raise insufficient_privilege; end", {" |  | raise 42501"}, id="raise by name"),
        pytest.param(
            "begin raise exception using message = 'no', errcode = p_id; end",
            {" |  | raise None no"},
            id="computed code",
        ),
        pytest.param(
            "begin assert p_id is not null, 'who'; return true; end",
            {
                "p_id IS NOT NULL |  | return TRUE",
                "!p_id IS NOT NULL; <whether plpgsql.check_asserts is off> |  | return TRUE",
                "!p_id IS NOT NULL; !<whether plpgsql.check_asserts is off> |  | raise P0004 who",
            },
            id="assertions can be switched off",
        ),
        pytest.param(
            "begin perform 1 from m where id = p_id; return f.p_id; end",
            {" |  | return f.p_id"},
            id="return a variable",
        ),
        pytest.param(
            "begin insert into m values (p_id); update m set x = 1; delete from m; return true; end",
            {" | insert; update; delete | return TRUE"},
            id="writes",
        ),
        pytest.param(
            "begin update m set x = 1 where id = p_id; if not found then raise 'none'; end if; return 1 > 0; end",
            {
                "!<whether a row was written> | update | raise P0001 none",
                "<whether a row was written> | update | return 1 > 0",
            },
            id="found after a write",
        ),
        pytest.param(
            "declare r record; begin for r in select * from m loop if r.u = p_id then return true; end if; end loop;"
            " return false; end",
            {
                "<whether a loop ends this way>; r.u = p_id |  | return TRUE",
                "!<whether a loop ends this way> |  | return FALSE",
            },
            id="return from a loop",
        ),
        pytest.param(
            "begin for i in 1..3 loop insert into m values (i); end loop; return true; end",
            {" | insert? | return TRUE"},
            id="loop",
        ),
        pytest.param(
            "declare n int := 0; begin while n < 3 loop n := n + 1; end loop; return n > 2; end",
            {" |  | return n > 2"},
            id="while",
        ),
        pytest.param(
            "begin loop if p_id is null then return true; end if; end loop; end",
            {"<whether a loop ends this way>; p_id IS NULL |  | return TRUE"},
            id="endless",
        ),
        pytest.param("begin loop exit when p_id is null; end loop; return true; end", {" |  | return TRUE"}, id="exit"),
        pytest.param(
            "<<a>> begin if p_id is null then exit a; end if; return true; end",
            {"p_id IS NULL |  | fell off", "!p_id IS NULL |  | return TRUE"},
            id="exit of a block",
        ),
        pytest.param(
            "declare e text; begin foreach e in array array['a'] loop perform g(e); end loop; return true; end",
            {" | g()? | return TRUE"},
            id="foreach",
        ),
        pytest.param(
            "begin insert into m values (1); return true; exception when unique_violation then return false; end",
            {
                "!<whether a statement of the block fails> | insert | return TRUE",
                "<whether a statement of the block fails>; <which error it is> | insert? | return FALSE",
                "<whether a statement of the block fails>; !<which error it is> | insert? | raise None",
            },
            id="handler",
        ),
        pytest.param(
            "begin raise exception 'x'; exception when others then return false; end",
            {
                "!<whether a statement of the block fails> |  | return FALSE",
                "<whether a statement of the block fails> |  | return FALSE",
            },
            id="raised and caught",
        ),
        pytest.param("begin execute p_id; return true; end", {" | run p_id | return TRUE"}, id="dynamic"),
        pytest.param(
            "begin execute format('delete from %I where a = %L', 'm', 'x'); return true; end",
            {" | format(); delete | return TRUE"},
            id="dynamic, of constants",
        ),
        pytest.param(
            "begin perform set_config('app.x', p_id, true); set local role anon; return true; end",
            {" | set app.x; set role | return TRUE"},
            id="settings",
        ),
        pytest.param("begin lock table m; return true; end", {" | LockStmt | return TRUE"}, id="lock"),
        pytest.param(
            "declare n int; begin get diagnostics n = row_count; return n > 0; end",
            {" |  | return n > 0"},
            id="diagnostics",
        ),
        pytest.param("begin return count(*) > 0 from m where id = p_id; end", {
            " | count() | return (SELECT count(*) > 0 FROM m WHERE id = p_id)",
        }, id="expression with a FROM"),
        pytest.param("begin select 1; return true; end", {
            " |  | raise 42601 query has no destination for result data",
        }, id="no destination"),
        pytest.param("declare n int; begin select id into strict n from m; return true; end", {
            "!exists(select id from m) |  | raise P0002 query returned no rows",
            "exists(select id from m) |  | return TRUE",
        }, id="strict"),
    ],
)  # fmt: skip
def test_a_body_has_these_paths(body: str, expected: set[str]) -> None:
    assert shown(paths(function(body, parameters="p_id text"))) == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(
            function("begin insert into profiles (id) values (new.id); return new; end", "trigger"),
            {" | insert | return new"},
            id="handle_new_user",
        ),
        pytest.param(
            function("begin if tg_op = 'DELETE' then return old; end if; new.t := now(); return new; end", "trigger"),
            {"tg_op = 'DELETE' |  | return old", "!tg_op = 'DELETE' | now() | return new"},
            id="trigger",
        ),
        pytest.param(
            function("begin return query select * from m; end", "m", returns_set=True),
            {" | give SELECT * FROM m | return"},
            id="return query",
        ),
        pytest.param(
            function(
                "declare r m; begin for r in select * from m loop return next r; end loop; end", "m", returns_set=True
            ),
            {" | give r? | return"},
            id="return next",
        ),
        pytest.param(
            function("begin return query execute 'select 1 ' || a; end", "m", "a text", returns_set=True),
            {" | run 'select 1 ' || a; give | return"},
            id="return query execute",
        ),
        pytest.param(
            function("begin if auth.uid() is null then raise exception 'no'; end if; delete from m; end", "void"),
            {
                "auth.uid() IS NULL | auth.uid() | raise P0001 no",
                "!auth.uid() IS NULL | auth.uid(); delete | return",
            },
            id="guarded",
        ),
        pytest.param(function("begin n := 1; end", "integer", "out n integer"), {" |  | return"}, id="output"),
        pytest.param(
            function("insert into m values (1); select true", language="sql"),
            {" | insert | return SELECT TRUE"},
            id="sql",
        ),
        pytest.param(function("return 1 > 0", language="sql"), {" |  | return SELECT 1 > 0"}, id="standard sql"),
        pytest.param(function("select g()", "void", language="sql"), {" | g() | return"}, id="sql, void"),
    ],
)
def test_a_function_has_these_paths(made: Function, expected: set[str]) -> None:
    assert shown(paths(made)) == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("begin create table x (a int); return true; end", "a statement that makes a table that stays"),
        ("begin commit; return true; end", "a statement that is not followed: commit"),
        ("begin do $a$ begin end $a$; return true; end", "a statement that is not followed: DoStmt"),
        ("begin return tru", "a body that does not parse"),
        ("declare found boolean; begin return found; end", "a variable that is called like one that every body has"),
        ("begin " + "if g() then return true; end if; " * 70 + "return true; end", "too many paths"),
    ],
)
def test_what_is_not_followed_says_why(body: str, reason: str) -> None:
    assert paths(function(body)) == NotFollowed(reason)


def test_of_many_ways_that_go_on_together_only_what_they_share_is_kept() -> None:
    found = paths(function(
        "declare n int := 0; m int := 0; begin if g() then return false; end if; "
        + "if h() then n := n + 1; end if; " * 5 + "return n > m; end"
    ))  # fmt: skip
    assert not isinstance(found, NotFollowed)
    (refused, going) = found
    assert [(asked(one), one.holds) for one in refused.conditions] == [("g()", True), (f"<{JOINED}>", False)]
    assert [(asked(one), one.holds) for one in going.conditions] == [("g()", False), (f"<{JOINED}>", True)]
    assert isinstance(going.bindings["n"], Unknown)
    assert isinstance(going.bindings["m"], Computed)


def test_another_language_is_not_followed() -> None:
    assert paths(function("", language="plv8")) == NotFollowed("a function in plv8")


def only(body: str, parameters: str = "p_id text", returns: str = "boolean") -> Path:
    found = paths(function(body, returns, parameters))
    assert not isinstance(found, NotFollowed), found.reason
    assert len(found) == 1
    return found[0]


def test_a_variable_is_bound_to_what_it_was_assigned_under_the_bindings_of_that_moment() -> None:
    path = only("declare a text := p_id; begin p_id := 'x'; return a = p_id; end")
    first, second = path.bindings["a"], path.bindings["p_id"]
    assert isinstance(first, Computed)
    assert first.declared.type == "text"
    assert first.bindings["p_id"] == Argument(1, "p_id")
    assert isinstance(second, Computed)
    assert tree.text(second.node) == "'x'"
    assert path.bindings["$1"] is path.bindings["f.p_id"] is second


def test_an_alias_is_the_variable() -> None:
    path = only("declare a alias for $1; begin a := 'x'; return a = p_id; end")
    assert path.bindings["a"] is path.bindings["p_id"]


def test_select_into_binds_columns_of_the_first_row() -> None:
    path = only("declare a text; b public.stage; begin select x, y into a, b from m; return true; end")
    first, second = path.bindings["a"], path.bindings["b"]
    assert isinstance(first, FirstRow)
    assert isinstance(second, FirstRow)
    assert (first.column, second.column) == (0, 1)
    assert second.declared.type == "public.stage"
    assert not first.strict


def test_a_row_of_a_type_that_only_the_database_knows_is_a_row_or_a_column() -> None:
    path = only("declare a public.m; b public.m%rowtype; c text; begin select * into a from m; select * into b from m;"
                " select x into c from m; return a.x; end")  # fmt: skip
    bound = [path.bindings[one] for one in "abc"]
    assert [one.whole for one in bound if isinstance(one, FirstRow)] == [None, True, False]


def test_a_field_of_new_is_changed() -> None:
    path = only("begin new.owner := auth.uid(); return new; end", "", "trigger")
    changed = path.bindings["new"]
    assert isinstance(changed, Changed)
    assert (changed.whole, changed.field) == (Event("new"), "owner")
    assert [one.name for one in path.steps if isinstance(one, Assigns)] == ["new.owner"]


def test_what_a_loop_assigns_is_not_known_in_it_nor_afterwards() -> None:
    path = only(
        "declare n int := 0; m int := 1; begin for i in 1..2 loop perform g(n); n := i; end loop; return true; end"
    )
    call = next(one for one in path.steps if isinstance(one, Calls))
    assert isinstance(call.bindings["n"], Unknown)
    assert isinstance(path.bindings["n"], Unknown)
    assert isinstance(path.bindings["m"], Computed)


def test_the_row_of_a_loop_is_some_row_of_its_query() -> None:
    path = only("declare r record; begin for r in select * from m loop perform g(r); end loop; return true; end")
    call = next(one for one in path.steps if isinstance(one, Calls))
    assert isinstance(call.bindings["r"], SomeRow)
    assert isinstance(path.bindings["r"], Unknown)


def test_what_a_block_assigns_is_not_known_once_it_failed() -> None:
    found = paths(
        function("declare n int := 0; begin begin n := 1; exception when others then null; end; return n > 0; end")
    )
    assert not isinstance(found, NotFollowed)
    sound, failed = found
    assert isinstance(sound.bindings["n"], Computed)
    assert isinstance(failed.bindings["n"], Unknown)


def test_an_inner_variable_hides_an_outer_one_until_its_block_ends() -> None:
    path = only("<<o>> declare a int := 1; begin declare a int := 2; begin a := 3; o.a := 4; end; return a > 0; end")
    bound = path.bindings["a"]
    assert isinstance(bound, Computed)
    assert tree.text(bound.node) == "4"


def test_a_row_that_was_written_is_not_known() -> None:
    path = only("declare n int; begin insert into m values (1) returning id into n; return n > 0; end")
    assert isinstance(path.bindings["n"], Unknown)
    query = "with w as (delete from m returning id) select id into n from w"
    path = only(f"declare n int; begin {query}; return n > 0; end")
    assert isinstance(path.bindings["n"], Unknown)
    assert {type(one) for one in path.steps} == {Reads, Writes, Assigns}


def test_using_gives_dynamic_sql_its_own_parameters() -> None:
    path = only("declare n int; begin execute 'select id from m where a = $1' into n using 'x'; return n > 0; end")
    bound = path.bindings["n"]
    assert isinstance(bound, FirstRow)
    given = bound.bindings["$1"]
    assert isinstance(given, Computed)
    assert tree.text(given.node) == "'x'"
    assert "n" not in bound.bindings


@pytest.mark.parametrize(
    ("name", "bound", "fields"),
    [("p_id", Argument(1, "p_id"), ()), ("f.p_id", Argument(1, "p_id"), ()), ("p_id.x", Argument(1, "p_id"), ("x",))],
)
def test_a_name_is_looked_up_with_what_may_stand_before_it(name: str, bound: Argument, fields: tuple[str, ...]) -> None:
    path = only("begin return true; end")
    node = ast.ColumnRef(fields=tuple(ast.String(sval=one) for one in name.split(".")))
    assert lookup(node, path.bindings) == (bound, fields)
    assert lookup(ast.ColumnRef(fields=(ast.String(sval="other"),)), path.bindings) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("begin return true; end", Conflict.ERROR),
        ("#variable_conflict use_column\nbegin return true; end", Conflict.COLUMN),
        ("\n  #variable_conflict use_variable\n declare a int; begin return true; end", Conflict.VARIABLE),
    ],
)
def test_the_body_says_what_a_name_is_that_may_be_both(body: str, expected: Conflict) -> None:
    assert conflict_of(function(body)) is expected
    assert not isinstance(paths(function(body)), NotFollowed)


def test_a_sql_body_prefers_columns() -> None:
    assert conflict_of(function("select true", language="sql")) is Conflict.COLUMN


def test_a_value_is_that_of_a_function_that_only_looks() -> None:
    found = value(function(f"declare v_role text; begin {LOOKUP}; return v_role = 'a'; end", parameters="p_id text"))
    assert not isinstance(found, NotFollowed)
    assert [type(one.end) for one in found] == [Returned]
    assert value(function("begin delete from m; return true; end")) == NotFollowed(
        "a function that does more than look"
    )


def test_a_body_that_returns_a_set_of_one_output_is_understood() -> None:
    """The parser asks for the very type that the output has."""
    body = "begin for r in select id from t loop id := r.id; return next; end loop; end"
    made = function(f"declare r record; {body}", "TABLE(id text)", "table id text", returns_set=True)
    assert body_of(made).understood
    assert body_of(made).reads == {("t",)}


def test_a_block_says_what_may_fail_in_it_where_that_is_one_value() -> None:
    bodies = {
        "begin return (p_id::int > 0); exception when others then return false; end": "CAST(p_id AS integer) > 0",
        "begin p_id := p_id::int; return p_id = '1'; exception when others then return false; end": None,
        "begin perform f(); return true; exception when others then return false; end": None,
        "begin if p_id = '1' then return true; end if; return false; exception when others then return true; end": None,
    }
    for body, asked_of in bodies.items():
        found = paths(function(body, parameters="p_id text"))
        assert not isinstance(found, NotFollowed)
        failing = [one.test for path in found for one in path.conditions if isinstance(one.test, Unknown)]
        assert {one.fails and tree.text(one.fails) for one in failing} == {asked_of}


def test_the_value_of_an_output_parameter_is_its_own() -> None:
    found = value(function("begin n := 1; end", "integer", "out n integer"))
    assert not isinstance(found, NotFollowed)
    (end,) = (one.end for one in found)
    assert isinstance(end, Returned)
    assert lookup(end.node, found[0].bindings) is not None


@pytest.mark.parametrize(
    "body",
    ["", "declare", "declare ; begin end", "begin return \0; end", "begin " * 3000, f"begin return {'(' * 9000}; end"],
)
def test_no_body_is_too_odd_to_be_refused(body: str) -> None:
    assert isinstance(paths(function(body)), NotFollowed)


def test_an_output_by_the_name_of_its_function() -> None:
    """It has the type that the function returns, and stands behind the function's name."""
    body = f"begin {LOOKUP.replace('v_role', 'role_of.v_role')}; end"
    made = replace(function(body, "text", "p_id uuid, out v_role text"), name="role_of")
    assert body_of(made).understood
    found = paths(made)
    assert not isinstance(found, NotFollowed)
    (path,) = found
    bound = path.bindings["v_role"]
    assert isinstance(bound, FirstRow)
    assert bound.declared.type == "text"
